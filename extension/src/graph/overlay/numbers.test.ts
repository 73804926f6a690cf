import { describe, expect, it } from "vitest";
import { duration, percent, plural, short } from "./numbers";

describe("short", () => {
  it.each([
    [0, "0"],
    [0.5, "0.5"],
    [0.0123, "0.012"],
    [0.001, "1e-3"],
    [1.234e-7, "1.2e-7"],
    [1e-3 / 3, "3.3e-4"],
    [31.62, "32"],
    [340.4, "340"],
    [45213, "4.5e4"],
    [-2e-9, "−2e-9"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%s is %s", (value, text) => expect(short(value)).toBe(text));

  it("never takes more than eight characters", () => {
    for (let power = -320; power < 308; power += 1) {
      for (const digits of [1, 9.99, 9.5, 3.33, 9.995]) {
        expect(short(digits * 10 ** power).length).toBeLessThanOrEqual(8);
      }
    }
  });
});

describe("percent, duration and plural", () => {
  it("keep what can be told apart", () => {
    expect([0, 1e-6, 0.0004, 0.046, 0.123, 1].map(percent)).toEqual([
      "0 %",
      "<0.01 %",
      "0.04 %",
      "5 %",
      "12 %",
      "100 %",
    ]);
    expect([0, 1.5e-6, 0.0123, 2].map(duration)).toEqual(["0 µs", "1.5 µs", "12.3 ms", "2 s"]);
    expect([plural(1, "node"), plural(3200, "node")]).toEqual(["1 node", "3,200 nodes"]);
  });
});
