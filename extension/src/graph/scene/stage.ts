import CanvasPainter from "zrender/lib/canvas/Painter.js";
import type Displayable from "zrender/lib/graphic/Displayable.js";
import Group from "zrender/lib/graphic/Group.js";
import SVGPainter from "zrender/lib/svg/Painter.js";
import { init, registerPainter, type ZRenderType } from "zrender/lib/zrender.js";
import type { Viewport } from "../types";
import type { Size } from "./viewport";

registerPainter("canvas", CanvasPainter as never);
registerPainter("svg", SVGPainter as never);

/** A part of what is drawn. `world` parts move with the viewport, `screen` parts do not. */
export type Part = "picture" | "marks" | "headers";

/** Each has a canvas of its own, so that the picture is not painted again for a mark. */
const LEVELS: Record<Part, number> = { picture: 0, marks: 1, headers: 1 };
const IN_WORLD: readonly Part[] = ["picture", "marks"];

/**
 * zrender in an element: holds what is drawn in parts, and paints when told to.
 *
 * zrender's own mouse handling is off. Where there is no canvas, it draws SVG.
 */
export class Stage {
  readonly #zr: ZRenderType;
  readonly #groups: Record<Part, Group>;
  #ground = "";

  constructor(
    element: HTMLElement,
    readonly size: Size,
  ) {
    const renderer = hasCanvas() ? "canvas" : "svg";
    const { width, height } = size;
    this.#zr = init(element, { renderer, width, height });
    this.#zr.handler.setHandlerProxy(NO_INPUT as never);
    const group = () => new Group({ silent: true } as never);
    this.#groups = { picture: group(), marks: group(), headers: group() };
    for (const part of Object.values(this.#groups)) this.#zr.add(part);
  }

  set ground(color: string) {
    this.#ground = color;
  }

  replace(part: Part, elements: Displayable[]): void {
    const group = this.#groups[part];
    group.removeAll();
    for (const element of elements) {
      element.zlevel = LEVELS[part];
      group.add(element);
    }
  }

  moveTo({ x, y, zoom }: Viewport): void {
    for (const part of IN_WORLD) {
      const group = this.#groups[part];
      group.x = x;
      group.y = y;
      group.scaleX = group.scaleY = zoom;
      group.dirty();
    }
  }

  paint(): void {
    this.#zr.refreshImmediately(true);
  }

  resize(size: Size): void {
    Object.assign(this.size, size);
    this.#zr.resize(size);
  }

  /** What is on screen; valid XML that refers to nothing outside. */
  svg(): string {
    const painter = new SVGPainter(null as never, this.#zr.storage, { ...this.size, ssr: true });
    painter.setBackgroundColor(this.#ground);
    return painter.renderToString({ cssAnimation: false, cssEmphasis: false });
  }

  /** @param scale Pixels of the picture per CSS px. */
  png(scale: number): Promise<Blob> {
    const { painter } = this.#zr;
    if (!(painter instanceof CanvasPainter)) {
      return Promise.reject(new Error("This page has no canvas, so there is no PNG; save SVG."));
    }
    const canvas = painter.getRenderedCanvas({ pixelRatio: scale, backgroundColor: this.#ground });
    return new Promise((resolve, reject) => {
      canvas.toBlob((blob) => {
        if (blob !== null) resolve(blob);
        else {
          const { width, height } = canvas;
          reject(
            new Error(`The browser made no PNG of ${width} × ${height} px; try a lower scale.`),
          );
        }
      }, "image/png");
    });
  }

  dispose(): void {
    this.#zr.dispose();
  }
}

/** Pointer events are the scene's own affair. */
const NO_INPUT = { dispose: () => {}, setCursor: () => {} };

const hasCanvas = () => document.createElement("canvas").getContext("2d") !== null;
