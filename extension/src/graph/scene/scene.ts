import type { GraphStructure } from "../structure";
import type {
  ItemId,
  Overlay,
  Picture,
  Scene,
  SceneEvents,
  ScenePalette,
  Viewport,
} from "../types";
import { isGroup } from "../types";
import { type Indexed, indexed } from "./boxes";
import { Camera } from "./camera";
import { Hint } from "./hint";
import { type Hit, hitAt } from "./hit";
import { FocusRing, newHost } from "./host";
import { pressed } from "./keys";
import { farEnd } from "./lines";
import type { Marks } from "./marks";
import { focusRect, nearestTo } from "./neighbour";
import { type Painted, Painter } from "./painter";
import { Panning } from "./panning";
import { watchPointer } from "./pointer";
import { fittedAround, settled, startOf } from "./settle";
import { type SceneSource, sourceOf } from "./source";
import { spokenName, Voice } from "./spoken";
import { Tooltip, tipText } from "./tooltip";
import type { Side } from "./transition";
import {
  anchored,
  fitted,
  leashed,
  lookingAt,
  middleOf,
  overlaps,
  type Rect,
  revealing,
  type Size,
  showsAll,
  toScreen,
  toWorld,
  visibleWorld,
} from "./viewport";
import { type Walked, walking } from "./walk";

const EMPTY: Picture = { items: [], edges: [], width: 1, height: 1 };
/** What lies below the headers that may stick to the top, in px. */
const HEADERS_PX = 56;

/**
 * Draw a structure's pictures into an element, which has to have a position and a size of its own.
 *
 * The scene takes what room the element has and follows its size; `dispose` takes everything out
 * again.
 */
export function createScene(
  element: HTMLElement,
  structure: GraphStructure,
  palette: ScenePalette,
  events: SceneEvents = {},
): Scene {
  return new CanvasScene(element, sourceOf(structure), palette, events);
}

/**
 * The parts of the scene, put together: it keeps what is shown and where the keyboard is, and hands
 * input on. Long for being a list of short methods, most of them the contract's.
 */
class CanvasScene implements Scene, Walked, Painted {
  model: Indexed = indexed(EMPTY);
  screen: Size;
  cursor: ItemId | null = null;
  readonly #host = newHost();
  readonly #camera: Camera;
  readonly #painter: Painter;
  readonly #panning: Panning;
  readonly #hint = new Hint(this.#host);
  readonly #tooltip = new Tooltip(this.#host);
  readonly #ring = new FocusRing(this.#host);
  readonly #voice = new Voice(this.#host);
  readonly #stops: (() => void)[] = [];

  constructor(
    private readonly element: HTMLElement,
    private readonly source: SceneSource,
    palette: ScenePalette,
    readonly events: SceneEvents,
  ) {
    this.screen = { width: element.clientWidth, height: element.clientHeight };
    const host = this.#host;
    this.#camera = new Camera((viewport) => this.#panning.set(viewport));
    const goTo = (x: number, y: number) => this.#lookAt(x, y);
    this.#painter = new Painter(host, this, this.#camera, source, palette, goTo);
    // What lies on the canvas has to come after it.
    this.#ring.raise();
    this.#hint.raise();
    this.#tooltip.raise();
    this.#panning = new Panning(
      host,
      () => this.screen,
      () => this.model.picture,
      { moved: (viewport) => this.#moved(viewport), wheelIgnored: () => this.#hint.show() },
    );
    this.#colour();
    element.append(host);
    this.#listen();
  }

  show(picture: Picture, anchor: ItemId | null = null, near?: ItemId | null): void {
    const before = { model: this.model, viewport: this.#camera.shown(this.screen) };
    const was = anchor === null ? undefined : this.model.at.get(anchor);
    this.model = indexed(picture);
    this.#panning.limit(picture, this.screen);
    const is = anchor === null ? undefined : this.model.at.get(anchor);
    if (near !== undefined) this.#settle(before, was, near);
    else if (was === undefined || is === undefined) {
      this.#camera.untouched = true;
      this.#camera.place(fitted(picture, this.screen, startOf(this.model)));
    } else {
      this.#camera.untouched = false;
      this.#camera.place(anchored(before.viewport, was, is));
    }
    this.#painter.moveFrom(before);
    if (this.cursor !== null && !this.model.at.has(this.cursor)) this.cursor = null;
    this.#speak();
    this.#mark({ hovered: null, hoveredEdge: null, focused: null });
    this.#painter.drawAll();
  }

  paint(overlay: Overlay | null): void {
    this.#painter.overlay = overlay;
    this.#speak();
    this.#painter.drawAll();
  }

  select(items: readonly ItemId[]): void {
    this.cursor = items[0] ?? this.cursor;
    this.#mark({ selected: [...items] });
    this.#speak();
  }

  trace(edges: readonly number[]): void {
    this.#mark({ traced: [...edges] });
  }

  reveal(item: ItemId): void {
    const placed = this.model.at.get(item);
    if (placed !== undefined) this.#reveal(focusRect(placed));
  }

  fit(): void {
    this.#camera.glideTo(fittedAround(this.model, this.viewport, this.screen), this.screen);
    this.#camera.untouched = true;
    this.#painter.draw();
  }

  get whole(): boolean {
    return showsAll(this.model.picture, this.viewport, this.screen);
  }

  sees(item: ItemId): boolean {
    const placed = this.model.at.get(item);
    return (
      placed !== undefined && overlaps(focusRect(placed), visibleWorld(this.viewport, this.screen))
    );
  }

  lookAt(x: number, y: number): void {
    this.viewport = lookingAt({ x, y }, this.viewport, this.model.picture, this.screen);
  }

  get viewport(): Viewport {
    return { ...this.#camera.target };
  }

  set viewport(viewport: Viewport) {
    this.#camera.untouched = false;
    this.#camera.place(viewport);
    this.#painter.draw();
  }

  centre(): { item: ItemId; x: number; y: number } | null {
    const { viewport, screen, model } = this;
    const { x, y } = middleOf(viewport, screen);
    const seen = visibleWorld(viewport, screen);
    const placed = nearestTo(model, x, y, seen) ?? nearestTo(model, x, y);
    if (placed === null) return null;
    const box = toScreen(focusRect(placed), viewport);
    return { item: placed.item, x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }

  recolour(palette: ScenePalette): void {
    this.#painter.recolour(palette);
    this.#colour();
    this.#painter.drawAll();
  }

  svg(): string {
    this.#painter.drawNow();
    return this.#painter.stage.svg();
  }

  png(scale: number): Promise<Blob> {
    this.#painter.drawNow();
    return this.#painter.stage.png(scale);
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
    this.#hint.hide();
    this.#tooltip.hide();
    this.#panning.dispose();
    this.#painter.dispose();
    this.#host.remove();
  }

  drawn(viewport: Viewport): void {
    const placed = this.cursor === null ? undefined : this.model.at.get(this.cursor);
    this.#voice.place(placed === undefined ? null : toScreen(placed, viewport));
  }

  goTo(item: ItemId | null): void {
    this.cursor = item;
    this.#mark({ focused: item });
    this.#speak();
    if (item === null) return;
    const before = this.viewport;
    this.reveal(item);
    const { x, y, zoom } = this.viewport;
    if (x !== before.x || y !== before.y || zoom !== before.zoom) this.#tellMove();
  }

  moveTo(viewport: Viewport): void {
    this.#camera.untouched = false;
    this.#camera.glideTo(viewport, this.screen);
    this.#painter.draw();
    this.#tellMove();
  }

  fitByHand(): void {
    this.fit();
    this.#tellMove();
  }

  unmark(): boolean {
    const { selected, traced, pinned } = this.#painter.marks;
    if (selected.length + traced.length + pinned.length === 0) return false;
    this.#mark({ traced: [], pinned: [] });
    this.events.pick?.(null);
    return true;
  }

  #listen(): void {
    const host = this.#host;
    const listeners = new AbortController();
    const { signal } = listeners;
    const resizing = new ResizeObserver(() => this.#resize());
    resizing.observe(this.element);
    const keys = walking(this);
    this.#stops.push(
      () => listeners.abort(),
      () => resizing.disconnect(),
      watchPointer(host, (x, y) => this.#hit(x, y), {
        hover: (hit, x, y) => this.#hover(hit, x, y),
        click: (hit, x, y) => this.#click(hit, x, y),
        doubleClick: ({ item, twisty }) => {
          if (item !== null && isGroup(item) && !twisty) this.events.toggle?.(item);
        },
      }),
    );
    const onKey = (event: KeyboardEvent) => {
      if (event.target !== host || !pressed(event, keys)) return;
      event.preventDefault();
      event.stopPropagation();
      this.#ring.show(true);
    };
    host.addEventListener("keydown", onKey, { signal });
    host.addEventListener("focus", () => this.#focused(), { signal });
    host.addEventListener("blur", () => this.#blurred(), { signal });
  }

  #colour(): void {
    const { look } = this.#painter;
    this.#hint.colour(look);
    this.#ring.colour(look);
    this.#tooltip.colour(look);
    this.#host.style.background = look.surface;
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === this.screen.width && height === this.screen.height) return;
    const before = this.screen;
    this.screen = { width, height };
    if (width === 0 || height === 0) return;
    this.#painter.resize(this.screen);
    this.#panning.limit(this.model.picture, this.screen);
    if (this.#camera.untouched) {
      this.#camera.place(fittedAround(this.model, this.viewport, this.screen, before));
    }
    // A canvas that was given a new size is empty until it is painted.
    this.#painter.drawNow();
  }

  /** Much has opened or closed: after less of it the whole picture is shown if it can be read. */
  #settle({ model, viewport }: Side, box: Rect | undefined, near: ItemId | null): void {
    const more = model.at.size > this.model.at.size;
    const before = { viewport, box, fitted: this.#camera.untouched, more };
    const found = settled(this.model, near, before, this.screen, HEADERS_PX);
    this.#camera.untouched = found.fitted;
    this.#camera.place(found.viewport);
  }

  #moved(viewport: Viewport): void {
    this.#camera.untouched = false;
    this.#camera.followed(viewport);
    this.#hint.hide();
    this.#tooltip.hide();
    this.#painter.draw();
    this.#tellMove();
  }

  #tellMove(): void {
    this.events.move?.(this.viewport);
  }

  #reveal(rect: Rect): void {
    // Headers stick only once the picture's top is out of sight.
    const covered = this.viewport.y < 0 ? HEADERS_PX : 0;
    const target = revealing(rect, this.viewport, this.screen, covered);
    if (target.x === this.viewport.x && target.y === this.viewport.y) return;
    this.#camera.untouched = false;
    this.#camera.glideTo(target, this.screen);
    this.#painter.draw();
  }

  #lookAt(x: number, y: number): void {
    const { zoom } = this.viewport;
    const { width, height } = this.screen;
    const viewport = { zoom, x: width / 2 - x * zoom, y: height / 2 - y * zoom };
    this.#camera.place(leashed(viewport, this.model.picture, this.screen));
    this.#moved(this.viewport);
  }

  #hit(x: number, y: number): Hit {
    return hitAt(this.model, this.#painter.bars, this.#camera.shown(this.screen), x, y);
  }

  #hover(hit: Hit | null, x: number, y: number): void {
    const hovered = hit?.item ?? null;
    const hoveredEdge = hit?.edge ?? null;
    const { marks, overlay } = this.#painter;
    this.#host.style.cursor = hovered !== null || hoveredEdge !== null ? "pointer" : "";
    if (hovered === marks.hovered && hoveredEdge === marks.hoveredEdge) return;
    this.#mark({ hovered, hoveredEdge });
    const open = hovered !== null && this.model.at.get(hovered)?.open === true;
    const tip = tipText(this.source, hovered, hoveredEdge, open, overlay);
    this.#tooltip.show(tip, x, y, this.screen);
    this.events.hover?.(hovered, hoveredEdge);
  }

  #click({ item, edge, twisty }: Hit, x: number, y: number): void {
    this.#tooltip.hide();
    this.#host.focus({ preventScroll: true });
    this.#ring.show(false);
    if (item !== null && twisty) this.events.toggle?.(item);
    else if (edge !== null) {
      this.#mark({ pinned: [...edge.edges] });
      const point = toWorld(x, y, this.viewport);
      if (edge.shape === "stub") this.#reveal(farEnd(edge, point.x, point.y));
    } else {
      this.cursor = item ?? this.cursor;
      this.#mark({ focused: null, pinned: [] });
      this.events.pick?.(item);
    }
  }

  #focused(): void {
    if (!this.#host.matches(":focus-visible")) return;
    this.#ring.show(true);
    this.cursor ??= this.centre()?.item ?? null;
    this.#mark({ focused: this.cursor });
    this.#speak();
  }

  #blurred(): void {
    this.#ring.show(false);
    this.#mark({ focused: null });
  }

  #speak(): void {
    const placed = this.cursor === null ? undefined : this.model.at.get(this.cursor);
    if (placed === undefined) {
      this.#voice.say("", null);
      return;
    }
    const text = spokenName(this.source, placed.item, placed.open, this.#painter.overlay);
    this.#voice.say(text, isGroup(placed.item) ? placed.open : null);
  }

  #mark(marks: Partial<Marks>): void {
    this.#painter.marks = { ...this.#painter.marks, ...marks };
    this.#painter.draw();
  }
}
