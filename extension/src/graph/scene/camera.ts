import type { Viewport } from "../types";
import { TRANSITION_MSEC } from "./transition";
import { middleOf, type Size } from "./viewport";

/** Where the scene looks, and where it is on the way there. */
export class Camera {
  /** Nobody has moved since it was fitted in, so a new size fits it in again. */
  untouched = true;
  #target: Viewport = { x: 0, y: 0, zoom: 1 };
  #glide: { from: Viewport; start: number } | null = null;

  /** @param apply Tells what pans and zooms where the viewport is now. */
  constructor(private readonly apply: (viewport: Viewport) => void) {}

  /** Where it is, or will be at the end of its way. */
  get target(): Viewport {
    return this.#target;
  }

  /** What is on screen at a time of the page's clock, in milliseconds. */
  shown(screen: Size, now = performance.now()): Viewport {
    if (this.#glide === null) return this.#target;
    const share = (now - this.#glide.start) / TRANSITION_MSEC;
    if (share >= 1) return this.#target;
    return glided(this.#glide.from, this.#target, Math.max(share, 0), screen);
  }

  isMoving(now: number): boolean {
    if (this.#glide !== null && now - this.#glide.start >= TRANSITION_MSEC) this.#glide = null;
    return this.#glide !== null;
  }

  /** Be somewhere at once. */
  place(viewport: Viewport): void {
    this.followed(viewport);
    this.apply(viewport);
  }

  /** Be where the user's hand has put it. */
  followed(viewport: Viewport): void {
    this.#glide = null;
    this.#target = { ...viewport };
  }

  /** Be somewhere, and let it be seen how one gets there. */
  glideTo(viewport: Viewport, screen: Size): void {
    const from = this.shown(screen);
    this.place(viewport);
    if (!prefersStillness()) this.#glide = { from, start: performance.now() };
  }
}

/** On the way from one viewport to another, zoom in even steps. */
function glided(from: Viewport, to: Viewport, share: number, screen: Size): Viewport {
  const t = 1 - (1 - share) ** 3;
  const zoom = from.zoom * (to.zoom / from.zoom) ** t;
  const a = middleOf(from, screen);
  const b = middleOf(to, screen);
  const x = a.x + (b.x - a.x) * t;
  const y = a.y + (b.y - a.y) * t;
  return { zoom, x: screen.width / 2 - x * zoom, y: screen.height / 2 - y * zoom };
}

export const prefersStillness = () =>
  typeof matchMedia === "function" && matchMedia("(prefers-reduced-motion: reduce)").matches;
