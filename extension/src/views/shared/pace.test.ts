import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DrawingPace } from "./pace";

const DRAW_MS = 50;

describe("the pace of drawing", () => {
  let drawn: string[];
  const draw = (name: string) => () => {
    drawn.push(name);
    vi.advanceTimersByTime(DRAW_MS);
  };

  beforeEach(() => {
    vi.useFakeTimers({
      toFake: [
        "setTimeout",
        "clearTimeout",
        "requestAnimationFrame",
        "cancelAnimationFrame",
        "performance",
      ],
    });
    drawn = [];
  });
  afterEach(() => vi.useRealTimers());

  it("draws the first time on the next frame", () => {
    new DrawingPace().soon(draw("first"));
    vi.advanceTimersByTime(40);
    expect(drawn).toEqual(["first"]);
  });

  it("rests three times as long as drawing took, however often it is asked", () => {
    const pace = new DrawingPace();
    pace.soon(draw("first"));
    vi.advanceTimersByTime(40);
    let cancel = pace.soon(draw("second"));
    for (let asked = 0; asked < 10; asked += 1) {
      vi.advanceTimersByTime(10);
      cancel();
      cancel = pace.soon(draw("newest"));
    }
    expect(drawn).toEqual(["first"]);
    vi.advanceTimersByTime(3 * DRAW_MS);
    expect(drawn).toEqual(["first", "newest"]);
  });

  it("can be called off", () => {
    const cancel = new DrawingPace().soon(draw("never"));
    cancel();
    vi.advanceTimersByTime(1_000);
    expect(drawn).toEqual([]);
  });
});
