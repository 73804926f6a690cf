import type { Overlay, ScenePalette, Viewport } from "../types";
import { isGroup } from "../types";
import type { Indexed } from "./boxes";
import { type Camera, prefersStillness } from "./camera";
import { Canvas } from "./canvas";
import type { HeaderBar } from "./headers";
import { newGround } from "./host";
import { type Look, lookOf } from "./look";
import { type Marks, NO_MARKS } from "./marks";
import { Minimap } from "./minimap";
import type { SceneSource } from "./source";
import type { Stage } from "./stage";
import { TextFitter } from "./text";
import { type Side, TRANSITION_MSEC, type Transition, transition } from "./transition";
import { type Size, visibleWorld } from "./viewport";

/** What is to be painted. */
export interface Painted {
  readonly model: Indexed;
  readonly screen: Size;
  /** A frame was painted with this viewport. */
  drawn(viewport: Viewport): void;
}

/** Paints a scene and its map: once a frame, and for as long as something is on its way. */
export class Painter {
  overlay: Overlay | null = null;
  marks: Marks = NO_MARKS;
  readonly #canvas: Canvas;
  readonly #minimap: Minimap;
  #look: Look;
  #fitter: TextFitter;
  /** The model that was last told of; what is there before anything is shown is not. */
  #drawn: Indexed;
  #motion: { transition: Transition; start: number } | null = null;
  #map: "drawn" | "stale" | "due" = "stale";
  #frame = 0;

  /** @param goTo Puts a point of the world into the middle of the screen. */
  constructor(
    private readonly host: HTMLElement,
    private readonly scene: Painted,
    private readonly camera: Camera,
    private readonly source: SceneSource,
    palette: ScenePalette,
    goTo: (x: number, y: number) => void,
  ) {
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
    this.#drawn = scene.model;
    this.#canvas = new Canvas(newGround(host), scene.screen, source);
    this.#minimap = new Minimap(host, goTo);
  }

  get look(): Look {
    return this.#look;
  }

  recolour(palette: ScenePalette): void {
    this.#look = lookOf(palette);
    this.#fitter = new TextFitter(this.#look.font);
  }

  get stage(): Stage {
    return this.#canvas.stage;
  }

  /** Headers of open groups as they were last painted. */
  get bars(): readonly HeaderBar[] {
    return this.#canvas.bars;
  }

  /** Let it be seen how boxes come from where they were. */
  moveFrom(before: Side): void {
    const { model, screen } = this.scene;
    const viewport = this.camera.target;
    this.#motion = null;
    if (before.model.at.size === 0 || screen.width === 0 || prefersStillness()) return;
    const found = transition(before, { model, viewport }, visibleWorld(viewport, screen));
    if (found !== null) this.#motion = { transition: found, start: performance.now() };
  }

  /** At the next frame. */
  draw(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#drawFrame(now));
  }

  /** Likewise, and the map with it. */
  drawAll(): void {
    this.#map = "stale";
    this.draw();
  }

  /** At once, as it will be when nothing moves any more. */
  drawNow(): void {
    if (this.#frame > 0) cancelAnimationFrame(this.#frame);
    this.#drawFrame(Number.POSITIVE_INFINITY);
  }

  resize(size: Size): void {
    this.#canvas.stage.resize(size);
    this.#map = "stale";
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
    this.#minimap.dispose();
    this.#canvas.stage.dispose();
  }

  #drawFrame(now: number): void {
    this.#frame = 0;
    const { screen, model } = this.scene;
    if (screen.width === 0 || screen.height === 0) return;
    const share = this.#motion === null ? 1 : (now - this.#motion.start) / TRANSITION_MSEC;
    if (share >= 1) this.#motion = null;
    const gliding = this.camera.isMoving(now);
    const viewport = this.camera.shown(screen, now);
    this.#canvas.draw({
      model,
      viewport,
      screen,
      look: this.#look,
      fitter: this.#fitter,
      overlay: this.overlay,
      marks: this.marks,
      moving: this.#motion?.transition.at(share) ?? null,
    });
    this.scene.drawn(viewport);
    this.#drawMap(viewport);
    if (this.#motion !== null || gliding) this.draw();
    else this.#tellDrawn();
  }

  /** How much is drawn and no longer moves, for whoever looks at the page from outside. */
  #tellDrawn(): void {
    const { model } = this.scene;
    if (this.#drawn === model) return;
    const { items, edges } = model.picture;
    this.#drawn = model;
    const closed = items.filter(({ item, open }) => isGroup(item) && !open);
    this.host.dataset.boxes = String(items.length);
    this.host.dataset.closed = String(closed.length);
    this.host.dataset.lines = String(edges.length);
  }

  /** A large picture and its map would together hold up the page, so the map comes a frame later. */
  #drawMap(viewport: Viewport): void {
    const { model, screen } = this.scene;
    if (this.#map === "due") {
      this.#map = "drawn";
      this.#minimap.draw(model, screen, this.#look, this.overlay, this.source);
    } else if (this.#map === "stale" && this.#motion === null) {
      this.#map = "due";
      this.draw();
    }
    this.#minimap.follow(viewport, screen);
  }
}
