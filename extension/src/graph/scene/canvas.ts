import type { Overlay, Viewport } from "../types";
import type { Indexed } from "./boxes";
import { compose, cutOf, type Motion } from "./compose";
import { drawHeaders } from "./draw_headers";
import { type HeaderBar, headerBars } from "./headers";
import { zoomStep } from "./lod";
import type { Look } from "./look";
import { drawMarks, type Marks } from "./marks";
import { Sheet } from "./sheet";
import type { SceneSource } from "./source";
import { Stage } from "./stage";
import type { TextFitter } from "./text";
import { contains, overlaps, type Rect, type Size, visibleWorld } from "./viewport";

/** So many screens more than is visible are composed, on every side. */
const MARGIN = 0.3;

/** All that decides what is on screen. */
export interface View {
  model: Indexed;
  viewport: Viewport;
  screen: Size;
  look: Look;
  fitter: TextFitter;
  overlay: Overlay | null;
  marks: Marks;
  moving: Motion | null;
}

/** Draws views, and does again only what has changed since the last. */
export class Canvas {
  readonly stage: Stage;
  bars: HeaderBar[] = [];
  #composed: { view: View; area: Rect; zoom: number } | null = null;
  #marked: { view: View; zoom: number } | null = null;

  constructor(
    element: HTMLElement,
    size: Size,
    private readonly source: SceneSource,
  ) {
    this.stage = new Stage(element, { ...size });
  }

  draw(view: View): void {
    const zoom = zoomStep(view.viewport.zoom);
    const seen = visibleWorld(view.viewport, view.screen);
    if (view.moving !== null || !this.#stillGood(view, seen, zoom)) {
      this.#compose(view, zoom);
    }
    this.#mark(view, zoom);
    this.#head(view, seen);
    this.stage.moveTo(view.viewport);
    this.stage.paint();
  }

  #stillGood(view: View, seen: Rect, zoom: number): boolean {
    const last = this.#composed;
    return (
      last !== null &&
      last.zoom === zoom &&
      last.view.model === view.model &&
      last.view.look === view.look &&
      last.view.overlay === view.overlay &&
      last.view.moving === null &&
      contains(last.area, seen)
    );
  }

  #compose(view: View, zoom: number): void {
    const { model, look, fitter, overlay, moving } = view;
    const area = visibleWorld(view.viewport, view.screen, MARGIN);
    this.stage.ground = look.surface;
    const drawing = { look, fitter, overlay, zoom, area, source: this.source };
    const cut = moving?.cut ?? cutOf(model, area);
    this.stage.replace("picture", compose(model, cut, drawing, moving));
    this.#composed = { view, area, zoom };
  }

  #mark(view: View, zoom: number): void {
    const last = this.#marked;
    const { model, marks, look, fitter } = view;
    if (
      last !== null &&
      last.zoom === zoom &&
      last.view.model === model &&
      last.view.marks === marks &&
      last.view.look === look &&
      (last.view.moving === null) === (view.moving === null)
    ) {
      return;
    }
    const sheet = new Sheet(fitter);
    // While boxes are on their way, a mark would be where they are not yet.
    if (view.moving === null) drawMarks(sheet, model, marks, this.source, look, zoom);
    this.stage.replace("marks", sheet.elements());
    this.#marked = { view, zoom };
  }

  #head({ model, viewport, screen, look, fitter, overlay, moving }: View, seen: Rect): void {
    const frames = model.frames
      .map((placed) => (moving === null ? placed : { ...placed, ...moving.rect(placed) }))
      .filter((placed) => overlaps(placed, seen));
    this.bars = headerBars(frames, viewport, screen);
    const sheet = new Sheet(fitter);
    drawHeaders(sheet, this.bars, { look, fitter, overlay, source: this.source });
    this.stage.replace("headers", sheet.elements());
  }
}
