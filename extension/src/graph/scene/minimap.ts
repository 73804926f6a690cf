import type { Overlay, Viewport } from "../types";
import type { Indexed } from "./boxes";
import type { Look } from "./look";
import { Sheet } from "./sheet";
import type { SceneSource } from "./source";
import { Stage } from "./stage";
import { type Rect, type Size, showsAll, visibleWorld } from "./viewport";

const MOST: Size = { width: 150, height: 200 };
const LEAST_SIDE = 26;
/** No larger a part of the scene's width and height is covered. */
const SHARE: Size = { width: 0.18, height: 0.35 };
const FRAME_DEPTH = 2;

/** A small picture of everything, with a frame around what is on screen. */
export class Minimap {
  readonly element = document.createElement("div");
  readonly #frame = document.createElement("div");
  readonly #ground = document.createElement("div");
  #stage: Stage | null = null;
  #scale = { x: 1, y: 1 };
  #map: Size = { width: 0, height: 0 };
  #drawn: Indexed | null = null;
  #dragging = false;

  /** @param goTo Puts a point of the world into the middle of the screen. */
  constructor(parent: HTMLElement, goTo: (x: number, y: number) => void) {
    const { element } = this;
    element.className = "ov-scene-map";
    element.setAttribute("aria-hidden", "true");
    element.style.cssText =
      "position:absolute;right:10px;bottom:10px;overflow:hidden;border-radius:4px;" +
      "cursor:crosshair;touch-action:none;display:none";
    this.#frame.style.cssText =
      "position:absolute;left:0;top:0;box-sizing:border-box;border-radius:2px";
    element.append(this.#ground, this.#frame);
    parent.append(element);
    const move = (event: PointerEvent) => {
      const box = element.getBoundingClientRect();
      goTo((event.clientX - box.left) / this.#scale.x, (event.clientY - box.top) / this.#scale.y);
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.#dragging = true;
      element.setPointerCapture?.(event.pointerId);
      move(event);
    });
    element.addEventListener("pointermove", (event) => {
      if (this.#dragging) move(event);
    });
    for (const end of ["pointerup", "pointercancel"] as const) {
      element.addEventListener(end, () => {
        this.#dragging = false;
      });
    }
    // The scene below neither pans, picks nor zooms by what is done here.
    for (const type of ["mousedown", "click", "dblclick", "touchstart", "mousemove"]) {
      element.addEventListener(type, (event) => event.stopPropagation());
    }
  }

  /** Draw it anew when the picture, its colours or the room have changed. */
  draw(
    model: Indexed,
    screen: Size,
    look: Look,
    overlay: Overlay | null,
    source: SceneSource,
  ): void {
    this.#drawn = model;
    this.#map = mapSize(model.picture, screen);
    const { width, height } = this.#map;
    this.#scale = { x: width / model.picture.width, y: height / model.picture.height };
    const { style } = this.element;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.background = look.surface;
    style.boxShadow = `0 0 0 1px ${look.boxLine}`;
    this.#frame.style.border = `2px solid ${look.select}`;
    if (this.#stage === null) this.#stage = new Stage(this.#ground, { width, height });
    else this.#stage.resize({ width, height });
    this.#stage.ground = look.surface;
    this.#stage.replace("picture", mapElements(model, this.#scale, look, overlay, source));
    this.#stage.paint();
  }

  /** Put the frame where the viewport is; hides the map when everything is on screen. */
  follow(viewport: Viewport, screen: Size): void {
    if (this.#drawn === null) return;
    const { picture } = this.#drawn;
    const seen = visibleWorld(viewport, screen);
    const whole = showsAll(picture, viewport, screen);
    this.element.style.display = whole || picture.items.length === 0 ? "none" : "block";
    const { x, y, width, height } = frameOn(seen, this.#scale, this.#map);
    const { style } = this.#frame;
    style.transform = `translate(${x}px,${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }

  dispose(): void {
    this.#stage?.dispose();
    this.element.remove();
  }
}

/** Size of the map: the picture's shape, unless that is too long and narrow to be hit. */
export function mapSize(picture: Size, screen: Size): Size {
  const room = {
    width: Math.min(MOST.width, screen.width * SHARE.width),
    height: Math.min(MOST.height, screen.height * SHARE.height),
  };
  const scale = Math.min(room.width / picture.width, room.height / picture.height);
  return {
    width: Math.round(Math.min(Math.max(picture.width * scale, LEAST_SIDE), room.width)),
    height: Math.round(Math.min(Math.max(picture.height * scale, LEAST_SIDE), room.height)),
  };
}

/** The frame, kept on the map and large enough to be seen. */
export function frameOn(seen: Rect, scale: { x: number; y: number }, map: Size): Rect {
  const along = (from: number, length: number, end: number) => {
    const low = Math.min(Math.max(from, 0), end - 6);
    const high = Math.max(Math.min(from + length, end), low + 6);
    return [low, high - low] as const;
  };
  const [x, width] = along(seen.x * scale.x, seen.width * scale.x, map.width);
  const [y, height] = along(seen.y * scale.y, seen.height * scale.y, map.height);
  return { x, y, width, height };
}

function mapElements(
  { picture }: Indexed,
  scale: { x: number; y: number },
  look: Look,
  overlay: Overlay | null,
  source: SceneSource,
) {
  const sheet = new Sheet({ font: () => look.font });
  for (const { item, x, y, width, height, open, depth } of picture.items) {
    if (open && depth >= FRAME_DEPTH) continue;
    const { half } = source.face(item);
    const fill = open ? look.groupBox[half] : (overlay?.item(item)?.fill ?? look.far[half]);
    const brush = look.brush({ fill });
    const w = Math.max(width * scale.x, open ? 1 : 1.2);
    const h = Math.max(height * scale.y, open ? 1 : 0.8);
    sheet.box(open ? depth : 100, brush, x * scale.x, y * scale.y, w, h);
  }
  return sheet.elements();
}
