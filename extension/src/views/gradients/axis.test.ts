import { describe, expect, it } from "vitest";
import { axisShare, axisTicks, logAxis, stateWord } from "./axis";

describe("logAxis", () => {
  it("spans whole decades around all finite positive norms", () => {
    expect(logAxis([0.02, 3e-6, 40])).toEqual({ low: -6, high: 2 });
  });

  it("ignores what has no place on it, and is absent when nothing has", () => {
    expect(logAxis([0.02, 0, "NaN", "Infinity", null, 3e-6])).toEqual({ low: -6, high: -1 });
    expect(logAxis([0, "NaN", null])).toBeNull();
    expect(logAxis([])).toBeNull();
  });

  it("shows a few decades even when all norms are the same, so that rounding looks small", () => {
    const axis = logAxis([0.5, 0.5]);
    expect(axis && axis.high - axis.low).toBeGreaterThanOrEqual(3);
    const decade = logAxis([1]);
    expect(decade && axisShare(decade, 1)).toBeGreaterThan(0);
    expect(decade && axisShare(decade, 1)).toBeLessThan(1);
  });
});

describe("axisShare", () => {
  const axis = { low: -4, high: 0 };

  it("is linear in the exponent and stays between the ends", () => {
    expect(axisShare(axis, 1e-4)).toBe(0);
    expect(axisShare(axis, 1e-2)).toBeCloseTo(0.5);
    expect(axisShare(axis, 100)).toBe(1);
  });

  it.each([null, 0, "NaN", "Infinity", -1] as const)("has no place for %s", (value) => {
    expect(axisShare(axis, value)).toBeNull();
  });
});

describe("axisTicks", () => {
  it("labels every decade while there is room, then fewer", () => {
    expect(axisTicks({ low: -3, high: 0 }, 9)).toEqual([-3, -2, -1, 0]);
    const ticks = axisTicks({ low: -40, high: 8 }, 9);
    expect(ticks.length).toBeLessThanOrEqual(9);
    expect(ticks[0]).toBe(-40);
  });
});

describe("stateWord", () => {
  it("names every state without a number, and only those", () => {
    expect(
      ["none", "zero", "nan", "inf", "not_captured"].map((state) => stateWord(state as never)),
    ).toEqual(["None", "0", "NaN", "∞", "not captured"]);
    expect(stateWord("finite")).toBe("");
  });
});
