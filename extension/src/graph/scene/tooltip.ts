import type { ItemId, Overlay, PlacedEdge } from "../types";
import type { Look } from "./look";
import type { SceneSource } from "./source";
import { edgeFacts, itemFacts } from "./spoken";
import type { Size } from "./viewport";

const DELAY_MSEC = 350;
const AWAY_PX = 14;
const WIDTH_PX = 340;

/** Says in full what the pointer rests on. */
export class Tooltip {
  readonly #element = document.createElement("div");
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parent: HTMLElement) {
    this.#element.className = "ov-scene-tip";
    // A screen reader has the same from the live region.
    this.#element.setAttribute("aria-hidden", "true");
    this.#element.style.cssText =
      "position:absolute;left:0;top:0;padding:4px 8px;border-radius:4px;pointer-events:none;" +
      `box-sizing:border-box;max-width:min(${WIDTH_PX}px,90%);overflow-wrap:anywhere;` +
      "white-space:pre-line;display:none;max-height:60%;overflow:hidden";
  }

  /** Put it on top of what is there. */
  raise(): void {
    this.parent.append(this.#element);
  }

  colour({ surface, ink, boxLine, font }: Look): void {
    const { style } = this.#element;
    style.background = surface;
    style.color = ink;
    style.boxShadow = `0 0 0 1px ${boxLine}, 0 2px 8px rgb(0 0 0 / 25%)`;
    style.font = `12px/1.4 ${font}`;
  }

  /** Show a text beside a point of the screen, after a moment. */
  show(text: string, x: number, y: number, screen: Size): void {
    this.hide();
    if (text === "") return;
    this.#timer = setTimeout(() => {
      const element = this.#element;
      element.textContent = text;
      element.style.display = "block";
      const left = Math.min(x + AWAY_PX, screen.width - element.offsetWidth - 4);
      const below = y + AWAY_PX + element.offsetHeight <= screen.height;
      const top = below ? y + AWAY_PX : y - AWAY_PX - element.offsetHeight;
      element.style.transform = `translate(${Math.max(left, 4)}px,${Math.max(top, 4)}px)`;
    }, DELAY_MSEC);
  }

  hide(): void {
    clearTimeout(this.#timer);
    this.#element.style.display = "none";
  }
}

/** What is said of what is under the pointer; empty over nothing. */
export function tipText(
  source: SceneSource,
  item: ItemId | null,
  edge: PlacedEdge | null,
  open: boolean,
  overlay: Overlay | null,
): string {
  if (item !== null) return itemFacts(source, item, open, overlay).join("\n");
  return edge === null ? "" : edgeFacts(source, edge).join("\n");
}
