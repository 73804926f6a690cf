import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatDuration,
  formatExact,
  formatNumber,
  formatShape,
  formatShortCount,
  formatStepRange,
} from "./format";
import { moveIndex, rowWindow, scrollToShow } from "./virtual";

describe("formatNumber", () => {
  it.each([
    [null, "–"],
    ["NaN", "NaN"],
    ["Infinity", "+∞"],
    ["-Infinity", "−∞"],
    [0, "0"],
    [-0, "0"],
    [3, "3"],
    [0.5, "0.5000"],
    [-1.23456, "−1.235"],
    [99999, "99999"],
    [12345.6, "1.23e4"],
    [9999.9, "1.00e4"],
    [0.00123456, "0.00123"],
    [0.000123456, "1.23e-4"],
    [-2.5e-12, "−2.50e-12"],
    [123456, "1.23e5"],
    [3.4e38, "3.40e38"],
  ] as const)("writes %s as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it("never takes more room than a column has", () => {
    for (let exponent = -44; exponent <= 38; exponent += 1) {
      expect(formatNumber(-9.99999 * 10 ** exponent).length).toBeLessThanOrEqual(9);
    }
  });

  it("keeps nine digits where exactness is asked for", () => {
    expect(formatExact(0.123456789123)).toBe("0.123456789");
    expect(formatExact(-0.00000951935817)).toBe("−9.51935817e-6");
    expect(formatExact(0)).toBe("0");
    expect(formatExact("NaN")).toBe("NaN");
  });
});

describe("other texts", () => {
  it("writes shapes as PyTorch does", () => {
    expect([formatShape([16, 32]), formatShape([7]), formatShape([]), formatShape(null)]).toEqual([
      "(16, 32)",
      "(7,)",
      "()",
      "–",
    ]);
  });

  it("says which steps, and how many when there are gaps", () => {
    expect(formatStepRange(null, null, 1)).toBe("whole run");
    expect(formatStepRange(60, 60, 1)).toBe("step 60");
    expect(formatStepRange(61, 199, 139)).toBe("steps 61–199");
    expect(formatStepRange(60, 166, 4)).toBe("4 steps in 60–166");
  });

  it("gives numbers their units", () => {
    expect([formatBytes(900), formatBytes(41_000), formatBytes(5e6)]).toEqual([
      "900 B",
      "40 KiB",
      "4.8 MiB",
    ]);
    expect([
      formatDuration(2e-6),
      formatDuration(0.0094),
      formatDuration(12),
      formatDuration(null),
    ]).toEqual(["2.00 µs", "9.40 ms", "12.0 s", "–"]);
    expect([formatDuration(999.7e-6), formatDuration(0.9999), formatDuration(1234)]).toEqual([
      "1.00 ms",
      "1.00 s",
      "1230 s",
    ]);
    expect(formatShortCount(999_999)).toBe("1.00M");
    expect([formatShortCount(9999), formatShortCount(18_432), formatShortCount(2.5e6)]).toEqual([
      "9,999",
      "18.4k",
      "2.50M",
    ]);
  });
});

describe("rowWindow", () => {
  it("holds what is on screen and a little more, never beyond the ends", () => {
    expect(rowWindow(1000, 20, 0, 200)).toEqual({ first: 0, end: 16 });
    expect(rowWindow(1000, 20, 10_000, 200)).toEqual({ first: 494, end: 516 });
    expect(rowWindow(1000, 20, 19_900, 200)).toEqual({ first: 989, end: 1000 });
    expect(rowWindow(3, 20, 0, 200)).toEqual({ first: 0, end: 3 });
    expect(rowWindow(0, 20, 500, 200)).toEqual({ first: 0, end: 0 });
  });

  it("draws few rows however many there are", () => {
    const { first, end } = rowWindow(1_000_000, 24, 5_000_000, 600);
    expect(end - first).toBeLessThan(50);
  });
});

describe("scrollToShow", () => {
  it("moves as little as possible, and not at all when the row is on screen", () => {
    expect(scrollToShow(5, 20, 0, 200)).toBeNull();
    expect(scrollToShow(12, 20, 0, 200)).toBe(60);
    expect(scrollToShow(3, 20, 100, 200)).toBe(60);
  });

  it("counts what the header covers", () => {
    expect(scrollToShow(9, 20, 0, 200, 40)).toBe(40);
    expect(scrollToShow(7, 20, 0, 200, 40)).toBeNull();
  });
});

describe("moveIndex", () => {
  const notThirds = (index: number) => index % 3 !== 0;

  it("skips what cannot be selected and stays at the ends", () => {
    expect(moveIndex(10, 2, 1, notThirds)).toBe(4);
    expect(moveIndex(10, 4, -1, notThirds)).toBe(2);
    expect(moveIndex(10, 8, 1, notThirds)).toBe(8);
    expect(moveIndex(10, -1, 1, notThirds)).toBe(1);
    expect(moveIndex(10, 1, 100, notThirds)).toBe(8);
  });
});
