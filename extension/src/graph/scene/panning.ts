import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomBehavior, zoom, zoomIdentity } from "d3-zoom";
import type { Picture, Viewport } from "../types";
import { leashed, MAX_ZOOM, minZoom, type Size } from "./viewport";

/** Presses that move less than this are clicks, in px. */
const CLICK_PX = 4;

export interface PanningEvents {
  /** The user moved the viewport. */
  moved(viewport: Viewport): void;
  /** The wheel was left to the page. */
  wheelIgnored(): void;
}

/** Drag, wheel and pinch, by d3-zoom. */
export class Panning {
  readonly #behavior: ZoomBehavior<HTMLElement, unknown>;
  readonly #listeners = new AbortController();

  constructor(
    private readonly host: HTMLElement,
    size: () => Size,
    picture: () => Picture,
    events: PanningEvents,
  ) {
    this.#behavior = zoom<HTMLElement, unknown>()
      .clickDistance(CLICK_PX)
      .extent(() => [
        [0, 0],
        [size().width, size().height],
      ])
      .constrain((transform) => {
        const { x, y } = leashed(viewportOf(transform), picture(), size());
        return x === transform.x && y === transform.y
          ? transform
          : zoomIdentity.translate(x, y).scale(transform.k);
      })
      .filter((event: Event) => this.#takes(event))
      .on("zoom", (event: D3ZoomEvent<HTMLElement, unknown>) => {
        // Without a source it was `set` that moved it.
        if (event.sourceEvent !== null) events.moved(viewportOf(event.transform));
      });
    select(host).call(this.#behavior).on("dblclick.zoom", null);
    const { signal } = this.#listeners;
    host.addEventListener(
      "wheel",
      (event) => {
        if (this.#takes(event)) event.preventDefault();
        else events.wheelIgnored();
      },
      { passive: false, signal },
    );
    const touch = () => {
      host.style.touchAction = this.#focused() ? "none" : "pan-x pan-y";
    };
    host.addEventListener("focus", touch, { signal });
    host.addEventListener("blur", touch, { signal });
    touch();
  }

  /** Limits of zoom; they follow the picture and the room there is. */
  limit(picture: Size, screen: Size): void {
    this.#behavior.scaleExtent([minZoom(picture, screen), MAX_ZOOM]);
  }

  /** Tell it where the viewport is now; a gesture under way goes on from there. */
  set({ x, y, zoom: k }: Viewport): void {
    select(this.host).call(this.#behavior.transform, zoomIdentity.translate(x, y).scale(k));
  }

  dispose(): void {
    this.#listeners.abort();
    select(this.host).on(".zoom", null);
  }

  /** The page keeps its wheel and its touches until the scene has the focus. */
  #takes(event: Event): boolean {
    if (event instanceof WheelEvent) return event.ctrlKey || event.metaKey || this.#focused();
    if ("touches" in event) return this.#focused() || (event.touches as TouchList).length > 1;
    const { button, ctrlKey } = event as MouseEvent;
    return button === 0 && !ctrlKey;
  }

  #focused(): boolean {
    const root = this.host.getRootNode() as Document | ShadowRoot;
    return root.activeElement === this.host;
  }
}

const viewportOf = ({ x, y, k }: { x: number; y: number; k: number }): Viewport => ({
  x,
  y,
  zoom: k,
});
