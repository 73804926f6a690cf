import type { Direction } from "./neighbour";

/** What the keyboard can do. */
export interface KeyActions {
  step(direction: Direction): void;
  end(end: "first" | "last"): void;
  /** Open or close a group, choose a node. */
  enter(): void;
  pick(): void;
  zoomBy(factor: number): void;
  fit(): void;
  /** @returns Whether there was something to clear. */
  clear(): boolean;
  /** Move the picture by so many px. */
  pan(x: number, y: number): void;
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};
const PAN_PX = 80;
const PANS: Readonly<Record<Direction, readonly [number, number]>> = {
  up: [0, PAN_PX],
  down: [0, -PAN_PX],
  left: [PAN_PX, 0],
  right: [-PAN_PX, 0],
};
const ZOOM_STEP = 1.25;

/** @returns Whether the key meant something, and is not for the page. */
export function pressed(event: KeyboardEvent, actions: KeyActions): boolean {
  if (event.altKey || event.ctrlKey || event.metaKey) return false;
  const arrow = ARROWS[event.key];
  if (arrow !== undefined) {
    if (event.shiftKey) actions.pan(...PANS[arrow]);
    else actions.step(arrow);
    return true;
  }
  const action = KEYS[event.key];
  if (action === undefined) return event.key === "Escape" && actions.clear();
  action(actions);
  return true;
}

const KEYS: Readonly<Record<string, (actions: KeyActions) => void>> = {
  Enter: (actions) => actions.enter(),
  " ": (actions) => actions.pick(),
  "+": (actions) => actions.zoomBy(ZOOM_STEP),
  "=": (actions) => actions.zoomBy(ZOOM_STEP),
  "-": (actions) => actions.zoomBy(1 / ZOOM_STEP),
  "0": (actions) => actions.fit(),
  Home: (actions) => actions.end("first"),
  End: (actions) => actions.end("last"),
};
