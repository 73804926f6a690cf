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
import { Camera, prefersStillness } from "./camera";
import { Canvas } from "./canvas";
import { Hint } from "./hint";
import { type Hit, hitAt } from "./hit";
import { FocusRing, newGround, newHost } from "./host";
import { pressed } from "./keys";
import { farEnd } from "./lines";
import { type Look, lookOf } from "./look";
import { type Marks, NO_MARKS } from "./marks";
import { Minimap } from "./minimap";
import { focusRect, nearestTo } from "./neighbour";
import { Panning } from "./panning";
import { watchPointer } from "./pointer";
import { type SceneSource, sourceOf } from "./source";
import { spokenName, Voice } from "./spoken";
import { TextFitter } from "./text";
import { Tooltip, tipText } from "./tooltip";
import { type Side, TRANSITION_MSEC, type Transition, transition } from "./transition";
import {
  anchored,
  fitted,
  leashed,
  middleOf,
  type Rect,
  revealing,
  type Size,
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
 * The parts of the scene, put together: it keeps what is shown, marked and painted, hands input on,
 * and draws once a frame. Long for being a list of short methods, most of them the contract's.
 */
class CanvasScene implements Scene, Walked {
  model: Indexed = indexed(EMPTY);
  screen: Size;
  cursor: ItemId | null = null;
  readonly #host = newHost();
  readonly #canvas: Canvas;
  readonly #camera: Camera;
  readonly #panning: Panning;
  readonly #minimap: Minimap;
  readonly #hint = new Hint(this.#host);
  readonly #tooltip = new Tooltip(this.#host);
  readonly #ring = new FocusRing(this.#host);
  readonly #voice = new Voice(this.#host);
  readonly #stops: (() => void)[] = [];
  #look: Look;
  #fitter: TextFitter;
  #drawn: Indexed | null = null;
  #overlay: Overlay | null = null;
  #marks: Marks = NO_MARKS;
  #motion: { transition: Transition; start: number } | null = null;
  #map: "drawn" | "stale" | "due" = "stale";
  #frame = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly source: SceneSource,
    palette: ScenePalette,
    readonly events: SceneEvents,
  ) {
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
    this.screen = { width: element.clientWidth, height: element.clientHeight };
    const host = this.#host;
    this.#canvas = new Canvas(newGround(host), this.screen, source);
    // What lies on the canvas has to come after it.
    this.#ring.raise();
    this.#hint.raise();
    this.#tooltip.raise();
    this.#minimap = new Minimap(host, (x, y) => this.#lookAt(x, y));
    this.#panning = new Panning(
      host,
      () => this.screen,
      () => this.model.picture,
      { moved: (viewport) => this.#moved(viewport), wheelIgnored: () => this.#hint.show() },
    );
    this.#camera = new Camera((viewport) => this.#panning.set(viewport));
    this.#colour();
    element.append(host);
    this.#listen();
  }

  show(picture: Picture, anchor: ItemId | null = null): void {
    const before = { model: this.model, viewport: this.#camera.shown(this.screen) };
    const was = anchor === null ? undefined : this.model.at.get(anchor);
    this.model = indexed(picture);
    this.#panning.limit(picture, this.screen);
    const is = anchor === null ? undefined : this.model.at.get(anchor);
    const stays = was !== undefined && is !== undefined;
    this.#camera.untouched = !stays;
    this.#camera.place(stays ? anchored(before.viewport, was, is) : fitted(picture, this.screen));
    this.#motion = this.#transitionFrom(before);
    if (this.cursor !== null && !this.model.at.has(this.cursor)) this.cursor = null;
    this.#map = "stale";
    this.#speak();
    this.#mark({ hovered: null, hoveredEdge: null, focused: null });
  }

  paint(overlay: Overlay | null): void {
    this.#overlay = overlay;
    this.#map = "stale";
    this.#speak();
    this.#draw();
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
    this.#camera.glideTo(fitted(this.model.picture, this.screen), this.screen);
    this.#camera.untouched = true;
    this.#draw();
  }

  get viewport(): Viewport {
    return { ...this.#camera.target };
  }

  set viewport(viewport: Viewport) {
    this.#camera.untouched = false;
    this.#camera.place(viewport);
    this.#draw();
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
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
    this.#colour();
    this.#map = "stale";
    this.#draw();
  }

  svg(): string {
    this.#drawNow();
    return this.#canvas.stage.svg();
  }

  png(scale: number): Promise<Blob> {
    this.#drawNow();
    return this.#canvas.stage.png(scale);
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
    for (const stop of this.#stops) stop();
    this.#hint.hide();
    this.#tooltip.hide();
    this.#panning.dispose();
    this.#minimap.dispose();
    this.#canvas.stage.dispose();
    this.#host.remove();
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
    this.#draw();
    this.#tellMove();
  }

  fitByHand(): void {
    this.fit();
    this.#tellMove();
  }

  unmark(): boolean {
    const { selected, traced, pinned } = this.#marks;
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
    this.#hint.colour(this.#look);
    this.#ring.colour(this.#look);
    this.#tooltip.colour(this.#look);
    this.#host.style.background = this.#look.surface;
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === this.screen.width && height === this.screen.height) return;
    this.screen = { width, height };
    if (width === 0 || height === 0) return;
    this.#canvas.stage.resize(this.screen);
    this.#panning.limit(this.model.picture, this.screen);
    this.#map = "stale";
    if (this.#camera.untouched) this.#camera.place(fitted(this.model.picture, this.screen));
    // A canvas that was given a new size is empty until it is painted.
    this.#drawNow();
  }

  #moved(viewport: Viewport): void {
    this.#camera.untouched = false;
    this.#camera.followed(viewport);
    this.#hint.hide();
    this.#tooltip.hide();
    this.#draw();
    this.#tellMove();
  }

  #tellMove(): void {
    this.events.move?.(this.viewport);
  }

  #reveal(rect: Rect): void {
    const target = revealing(rect, this.viewport, this.screen, HEADERS_PX);
    if (target.x === this.viewport.x && target.y === this.viewport.y) return;
    this.#camera.untouched = false;
    this.#camera.glideTo(target, this.screen);
    this.#draw();
  }

  #lookAt(x: number, y: number): void {
    const { zoom } = this.viewport;
    const { width, height } = this.screen;
    const viewport = { zoom, x: width / 2 - x * zoom, y: height / 2 - y * zoom };
    this.#camera.place(leashed(viewport, this.model.picture, this.screen));
    this.#moved(this.viewport);
  }

  #transitionFrom(before: Side) {
    if (before.model.at.size === 0 || this.screen.width === 0 || prefersStillness()) return null;
    const seen = visibleWorld(this.viewport, this.screen);
    const found = transition(before, { model: this.model, viewport: this.viewport }, seen);
    return found === null ? null : { transition: found, start: performance.now() };
  }

  #hit(x: number, y: number): Hit {
    return hitAt(this.model, this.#canvas.bars, this.#camera.shown(this.screen), x, y);
  }

  #hover(hit: Hit | null, x: number, y: number): void {
    const hovered = hit?.item ?? null;
    const hoveredEdge = hit?.edge ?? null;
    this.#host.style.cursor = hovered !== null || hoveredEdge !== null ? "pointer" : "";
    if (hovered === this.#marks.hovered && hoveredEdge === this.#marks.hoveredEdge) return;
    this.#mark({ hovered, hoveredEdge });
    const open = hovered !== null && this.model.at.get(hovered)?.open === true;
    const tip = tipText(this.source, hovered, hoveredEdge, open, this.#overlay);
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
    const text = spokenName(this.source, placed.item, placed.open, this.#overlay);
    this.#voice.say(text, isGroup(placed.item) ? placed.open : null);
  }

  #mark(marks: Partial<Marks>): void {
    this.#marks = { ...this.#marks, ...marks };
    this.#draw();
  }

  /** At the next frame. */
  #draw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#drawFrame(now));
  }

  #drawNow(): void {
    if (this.#frame > 0) cancelAnimationFrame(this.#frame);
    this.#drawFrame(Number.POSITIVE_INFINITY);
  }

  #drawFrame(now: number): void {
    this.#frame = 0;
    const { screen, model } = this;
    if (screen.width === 0 || screen.height === 0) return;
    const share = this.#motion === null ? 1 : (now - this.#motion.start) / TRANSITION_MSEC;
    if (share >= 1) this.#motion = null;
    const gliding = this.#camera.isMoving(now);
    const viewport = this.#camera.shown(screen, now);
    this.#canvas.draw({
      model,
      viewport,
      screen,
      look: this.#look,
      fitter: this.#fitter,
      overlay: this.#overlay,
      marks: this.#marks,
      moving: this.#motion?.transition.at(share) ?? null,
    });
    this.#drawMap(viewport);
    if (this.#motion !== null || gliding) this.#draw();
    else this.#tellDrawn();
  }

  /** How much is drawn and no longer moves, for whoever looks at the page from outside. */
  #tellDrawn(): void {
    if (this.#drawn === this.model || this.model.picture === EMPTY) return;
    this.#drawn = this.model;
    const { items, edges } = this.model.picture;
    const closed = items.filter(({ item, open }) => isGroup(item) && !open);
    this.#host.dataset.boxes = String(items.length);
    this.#host.dataset.closed = String(closed.length);
    this.#host.dataset.lines = String(edges.length);
  }

  /** A large picture and its map would together hold up the page, so the map comes a frame later. */
  #drawMap(viewport: Viewport): void {
    if (this.#map === "due") {
      this.#map = "drawn";
      this.#minimap.draw(this.model, this.screen, this.#look, this.#overlay, this.source);
    } else if (this.#map === "stale" && this.#motion === null) {
      this.#map = "due";
      this.#draw();
    }
    this.#minimap.follow(viewport, this.screen);
  }
}
