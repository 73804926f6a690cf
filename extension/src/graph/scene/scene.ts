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
import { Canvas, middleOf } from "./canvas";
import { Hint } from "./hint";
import { type Hit, hitAt } from "./hit";
import { type KeyActions, pressed } from "./keys";
import { type Look, lookOf } from "./look";
import { type Marks, NO_MARKS } from "./marks";
import { Minimap } from "./minimap";
import { type Direction, extreme, focusRect, nearestTo, neighbour } from "./neighbour";
import { Panning } from "./panning";
import { watchPointer } from "./pointer";
import { sourceOf } from "./source";
import { spokenName, Voice } from "./spoken";
import { TextFitter } from "./text";
import { type Side, TRANSITION_MSEC, type Transition, transition } from "./transition";
import {
  anchored,
  fitted,
  leashed,
  MAX_ZOOM,
  minZoom,
  revealing,
  type Size,
  toScreen,
  visibleWorld,
  zoomedAround,
} from "./viewport";

const EMPTY: Picture = { items: [], edges: [], width: 1, height: 1 };
/** What lies below the headers that may stick to the top, in px. */
const HEADERS_PX = 56;

/**
 * Draw a structure's pictures into an element, which has to have a size of its own.
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
  return new CanvasScene(element, structure, palette, events);
}

class CanvasScene implements Scene {
  readonly #host = document.createElement("div");
  readonly #source;
  readonly #canvas: Canvas;
  readonly #panning: Panning;
  readonly #minimap: Minimap;
  readonly #hint: Hint;
  readonly #voice: Voice;
  readonly #stops: (() => void)[] = [];
  #look: Look;
  #fitter: TextFitter;
  #model: Indexed = indexed(EMPTY);
  #drawn: Indexed | null = null;
  #viewport: Viewport = { x: 0, y: 0, zoom: 1 };
  #size: Size;
  #overlay: Overlay | null = null;
  #marks: Marks = NO_MARKS;
  /** Where the keyboard is, whether it shows or not. */
  #cursor: ItemId | null = null;
  #motion: { transition: Transition; start: number } | null = null;
  #glide: { from: Viewport; start: number } | null = null;
  /** Nobody has moved since it was fitted in, so a new size fits it in again. */
  #untouched = true;
  #mapStale = true;
  #mapDue = false;
  #frame = 0;

  constructor(
    private readonly element: HTMLElement,
    structure: GraphStructure,
    palette: ScenePalette,
    private readonly events: SceneEvents,
  ) {
    this.#source = sourceOf(structure);
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
    this.#size = { width: element.clientWidth, height: element.clientHeight };
    const host = this.#host;
    const ground = document.createElement("div");
    ground.style.cssText = "position:absolute;inset:0;overflow:hidden";
    host.append(ground);
    prepareHost(host);
    element.append(host);
    this.#canvas = new Canvas(ground, this.#size, this.#source);
    this.#voice = new Voice(host);
    this.#hint = new Hint(host);
    this.#minimap = new Minimap(host, (x, y) => this.#centreOn(x, y));
    this.#panning = new Panning(
      host,
      () => this.#size,
      () => this.#model.picture,
      { moved: (viewport) => this.#moved(viewport), wheelIgnored: () => this.#hint.show() },
    );
    this.#hint.colour(this.#look);
    host.style.background = this.#look.surface;
    this.#listen();
  }

  show(picture: Picture, anchor: ItemId | null = null): void {
    const before = { model: this.#model, viewport: this.#shown() };
    const was = anchor === null ? undefined : this.#model.at.get(anchor);
    this.#model = indexed(picture);
    this.#panning.limit(picture, this.#size);
    const is = anchor === null ? undefined : this.#model.at.get(anchor);
    if (was !== undefined && is !== undefined) {
      this.#untouched = false;
      this.#place(anchored(before.viewport, was, is));
    } else {
      this.#untouched = true;
      this.#place(fitted(picture, this.#size));
    }
    this.#motion = this.#transitionFrom(before);
    this.#mark({ hovered: null, hoveredEdge: null });
    if (this.#cursor !== null && !this.#model.at.has(this.#cursor)) this.#cursor = null;
    this.#mapStale = true;
    this.#speak();
    this.#draw();
  }

  paint(overlay: Overlay | null): void {
    this.#overlay = overlay;
    this.#mapStale = true;
    this.#speak();
    this.#draw();
  }

  select(items: readonly ItemId[]): void {
    this.#mark({ selected: [...items] });
    const first = items[0];
    if (first !== undefined) this.#cursor = first;
    this.#speak();
  }

  trace(edges: readonly number[]): void {
    this.#mark({ traced: [...edges] });
  }

  reveal(item: ItemId): void {
    const placed = this.#model.at.get(item);
    if (placed === undefined) return;
    const target = revealing(focusRect(placed), this.#viewport, this.#size, HEADERS_PX);
    if (target.x === this.#viewport.x && target.y === this.#viewport.y) return;
    this.#glideTo(target);
    this.#untouched = false;
  }

  fit(): void {
    this.#glideTo(fitted(this.#model.picture, this.#size));
    this.#untouched = true;
  }

  get viewport(): Viewport {
    return { ...this.#viewport };
  }

  set viewport(viewport: Viewport) {
    this.#untouched = false;
    this.#place(viewport);
  }

  centre(): { item: ItemId; x: number; y: number } | null {
    const { x, y } = middleOf(this.#viewport, this.#size);
    const seen = visibleWorld(this.#viewport, this.#size);
    const placed = nearestTo(this.#model, x, y, seen) ?? nearestTo(this.#model, x, y);
    if (placed === null) return null;
    const box = toScreen(focusRect(placed), this.#viewport);
    return { item: placed.item, x: box.x + box.width / 2, y: box.y + box.height / 2 };
  }

  recolour(palette: ScenePalette): void {
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
    this.#hint.colour(this.#look);
    this.#host.style.background = this.#look.surface;
    this.#mapStale = true;
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
    this.#panning.dispose();
    this.#minimap.dispose();
    this.#canvas.stage.dispose();
    this.#host.remove();
  }

  #listen(): void {
    const host = this.#host;
    const listeners = new AbortController();
    const { signal } = listeners;
    const resizing = new ResizeObserver(() => this.#resize());
    resizing.observe(this.element);
    this.#stops.push(
      () => listeners.abort(),
      () => resizing.disconnect(),
      watchPointer(host, (x, y) => hitAt(this.#model, this.#canvas.bars, this.#shown(), x, y), {
        hover: (hit) => this.#hover(hit),
        click: (hit) => this.#click(hit),
        doubleClick: ({ item, twisty }) => {
          if (item !== null && isGroup(item) && !twisty) this.events.toggle?.(item);
        },
      }),
    );
    host.addEventListener(
      "keydown",
      (event) => {
        if (event.target !== host || !pressed(event, this.#keys)) return;
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );
    host.addEventListener("focus", () => this.#focus(), { signal });
    host.addEventListener("blur", () => this.#mark({ focused: null }), { signal });
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === this.#size.width && height === this.#size.height) return;
    this.#size = { width, height };
    if (width === 0 || height === 0) return;
    this.#canvas.stage.resize(this.#size);
    this.#panning.limit(this.#model.picture, this.#size);
    this.#mapStale = true;
    if (this.#untouched) this.#place(fitted(this.#model.picture, this.#size));
    // A canvas that was given a new size is empty until it is painted.
    this.#drawNow();
  }

  #moved(viewport: Viewport): void {
    this.#untouched = false;
    this.#glide = null;
    this.#viewport = viewport;
    this.#hint.hide();
    this.#draw();
    this.events.move?.({ ...viewport });
  }

  /** Be somewhere at once. */
  #place(viewport: Viewport): void {
    this.#glide = null;
    this.#viewport = { ...viewport };
    this.#panning.set(viewport);
    this.#draw();
  }

  /** Be somewhere, and let it be seen how one gets there. */
  #glideTo(viewport: Viewport): void {
    const from = this.#shown();
    this.#place(viewport);
    if (!prefersStillness()) this.#glide = { from, start: performance.now() };
  }

  /** What is on screen at this moment. */
  #shown(now = performance.now()): Viewport {
    if (this.#glide === null) return this.#viewport;
    const share = (now - this.#glide.start) / TRANSITION_MSEC;
    return share >= 1
      ? this.#viewport
      : glided(this.#glide.from, this.#viewport, share, this.#size);
  }

  #centreOn(x: number, y: number): void {
    const { zoom } = this.#viewport;
    const { width, height } = this.#size;
    const viewport = { zoom, x: width / 2 - x * zoom, y: height / 2 - y * zoom };
    this.#place(leashed(viewport, this.#model.picture, this.#size));
    this.#moved(this.#viewport);
  }

  #transitionFrom(before: Side) {
    if (before.model.at.size === 0 || this.#size.width === 0 || prefersStillness()) return null;
    const seen = visibleWorld(this.#viewport, this.#size);
    const found = transition(before, { model: this.#model, viewport: this.#viewport }, seen);
    return found === null ? null : { transition: found, start: performance.now() };
  }

  #hover(hit: Hit | null): void {
    const hovered = hit?.item ?? null;
    const hoveredEdge = hit?.edge ?? null;
    this.#host.style.cursor = hovered !== null || hoveredEdge !== null ? "pointer" : "";
    if (hovered === this.#marks.hovered && hoveredEdge === this.#marks.hoveredEdge) return;
    this.#mark({ hovered, hoveredEdge });
    this.events.hover?.(hovered, hoveredEdge);
  }

  #click({ item, edge, twisty }: Hit): void {
    this.#host.focus({ preventScroll: true });
    if (item !== null && twisty) this.events.toggle?.(item);
    else if (edge === null) {
      this.#cursor = item ?? this.#cursor;
      this.#mark({ focused: null });
      this.events.pick?.(item);
    } else this.#mark({ traced: [...edge.edges] });
  }

  readonly #keys: KeyActions = {
    step: (direction: Direction) => {
      const next = this.#cursor === null ? null : neighbour(this.#model, this.#cursor, direction);
      this.#goTo(next ?? this.#cursor ?? this.centre()?.item ?? null);
    },
    end: (end) => this.#goTo(extreme(this.#model, end)),
    enter: () => {
      if (this.#cursor === null) return;
      if (isGroup(this.#cursor)) this.events.toggle?.(this.#cursor);
      else this.events.pick?.(this.#cursor);
    },
    pick: () => {
      if (this.#cursor !== null) this.events.pick?.(this.#cursor);
    },
    zoomBy: (factor) => {
      const { width, height } = this.#size;
      const least = minZoom(this.#model.picture, this.#size);
      const zoom = Math.min(Math.max(this.#viewport.zoom * factor, least), MAX_ZOOM);
      this.#glideTo(zoomedAround(this.#viewport, width / 2, height / 2, zoom));
      this.#tellMove();
    },
    fit: () => {
      this.fit();
      this.#tellMove();
    },
    clear: () => {
      const { selected, traced } = this.#marks;
      const marked = selected.length > 0 || traced.length > 0;
      if (marked) {
        this.#mark({ traced: [] });
        this.events.pick?.(null);
      }
      return marked;
    },
    pan: (x, y) => {
      const { zoom } = this.#viewport;
      const target = { zoom, x: this.#viewport.x + x, y: this.#viewport.y + y };
      this.#glideTo(leashed(target, this.#model.picture, this.#size));
      this.#tellMove();
    },
  };

  #tellMove(): void {
    this.events.move?.({ ...this.#viewport });
  }

  #goTo(item: ItemId | null): void {
    this.#cursor = item;
    this.#mark({ focused: item });
    this.#speak();
    if (item === null) return;
    const { x, y, zoom } = this.#viewport;
    this.reveal(item);
    const now = this.#viewport;
    if (now.x !== x || now.y !== y || now.zoom !== zoom) this.#tellMove();
  }

  #focus(): void {
    if (!this.#host.matches(":focus-visible")) return;
    this.#cursor ??= this.centre()?.item ?? null;
    this.#mark({ focused: this.#cursor });
    this.#speak();
  }

  #speak(): void {
    const item = this.#cursor;
    const placed = item === null ? undefined : this.#model.at.get(item);
    if (placed === undefined) this.#voice.say("", null);
    else {
      const text = spokenName(this.#source, placed.item, placed.open, this.#overlay);
      this.#voice.say(text, isGroup(placed.item) ? placed.open : null);
    }
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
    if (this.#size.width === 0 || this.#size.height === 0) return;
    const share = this.#motion === null ? 1 : (now - this.#motion.start) / TRANSITION_MSEC;
    if (share >= 1) this.#motion = null;
    if (this.#glide !== null && now - this.#glide.start >= TRANSITION_MSEC) this.#glide = null;
    const viewport = this.#shown(now);
    const moving =
      this.#motion === null
        ? null
        : { cut: this.#motion.transition.cut, motion: this.#motion.transition.at(share) };
    this.#canvas.draw({
      model: this.#model,
      viewport,
      screen: this.#size,
      look: this.#look,
      fitter: this.#fitter,
      overlay: this.#overlay,
      marks: this.#marks,
      moving,
    });
    this.#drawMap(viewport);
    if (this.#motion !== null || this.#glide !== null) this.#draw();
    else this.#tellDrawn();
  }

  /** How much is drawn and no longer moves, for whoever looks at the page from outside. */
  #tellDrawn(): void {
    if (this.#drawn === this.#model) return;
    this.#drawn = this.#model;
    const { items, edges } = this.#model.picture;
    const closed = items.filter(({ item, open }) => isGroup(item) && !open);
    this.#host.dataset.boxes = String(items.length);
    this.#host.dataset.closed = String(closed.length);
    this.#host.dataset.lines = String(edges.length);
  }

  #drawMap(viewport: Viewport): void {
    if (this.#mapStale && !this.#mapDue && this.#motion === null) {
      // A large picture and its map would together hold up the page; the map can wait a frame.
      this.#mapDue = true;
      this.#draw();
    } else if (this.#mapDue) {
      this.#mapStale = this.#mapDue = false;
      this.#minimap.draw(this.#model, this.#size, this.#look, this.#overlay, this.#source);
    }
    this.#minimap.follow(viewport, this.#size);
  }
}

function prepareHost(host: HTMLElement): void {
  host.className = "ov-scene";
  host.tabIndex = 0;
  host.setAttribute("role", "application");
  host.setAttribute("aria-roledescription", "graph");
  host.setAttribute(
    "aria-label",
    "Graph. Arrow keys go from box to box, Enter opens or chooses, plus and minus zoom, 0 fits.",
  );
  host.style.cssText =
    "position:absolute;inset:0;overflow:hidden;user-select:none;-webkit-user-select:none";
}

/** On the way from one viewport to another, zoom in even steps. */
function glided(from: Viewport, to: Viewport, share: number, { width, height }: Size): Viewport {
  const t = 1 - (1 - share) ** 3;
  const zoom = from.zoom * (to.zoom / from.zoom) ** t;
  const a = middleOf(from, { width, height });
  const b = middleOf(to, { width, height });
  const x = a.x + (b.x - a.x) * t;
  const y = a.y + (b.y - a.y) * t;
  return { zoom, x: width / 2 - x * zoom, y: height / 2 - y * zoom };
}

const prefersStillness = () =>
  typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
