/** Between two drawings the page rests so many times as long as the last one took. */
const REST = 3;

/**
 * Lets live data be drawn as often as the machine can bear: at most a quarter of the page's time,
 * on a frame, and always the newest in the end.
 */
export class DrawingPace {
  #freeAtMs = 0;

  /** Draw on the next frame after the rest; returns how to call it off. */
  soon(draw: () => void): () => void {
    let frame = 0;
    const wait = Math.max(0, this.#freeAtMs - performance.now());
    const timer = setTimeout(() => {
      frame = requestAnimationFrame(() => {
        const startMs = performance.now();
        draw();
        const endMs = performance.now();
        this.#freeAtMs = endMs + REST * (endMs - startMs);
      });
    }, wait);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
  }
}
