import { describe, expect, it } from "vitest";
import { cut, plain, TextFitter } from "./text";

describe("plain", () => {
  it("is one line", () => {
    expect(plain("a\n\tb   c ")).toBe("a b c");
  });

  it("shows what controls a terminal or the direction of writing", () => {
    expect(plain("a\u0000b\u001bc\u202Ed")).toBe("a\u25AFb\u25AFc\u25AFd");
  });

  it("has no half characters", () => {
    expect(plain("a\uD83Db")).toBe("a\uFFFDb");
    expect(plain("a😀b")).toBe("a😀b");
  });

  it("cuts ten thousand characters", () => {
    expect(plain("x".repeat(10_000)).length).toBeLessThanOrEqual(2_000);
  });
});

describe("cut", () => {
  it("keeps both ends of a name", () => {
    expect(cut("encoder.layers.0.attention", 11, "ends")).toBe("encod…ntion");
  });

  it("never cuts a character in two", () => {
    for (let length = 1; length < 12; length++) {
      expect(cut("😀😀😀😀😀😀", length, "ends")).toBe(plain(cut("😀😀😀😀😀😀", length, "ends")));
    }
  });
});

describe("TextFitter", () => {
  const fitter = new TextFitter("sans-serif");

  it("leaves alone what fits", () => {
    expect(fitter.fit("MatMul", 12, 200)).toBe("MatMul");
  });

  it("never gives more than there is room for", () => {
    for (const room of [0, 5, 20, 45, 70]) {
      const text = fitter.fit("LayerNormalization", 12, room);
      expect(text === "" ? 0 : fitter.width(text, 12)).toBeLessThanOrEqual(room);
    }
    expect(fitter.fit("LayerNormalization", 12, 70)).toMatch(/^L.*…$/);
  });

  it("is not held up by a very long name", () => {
    const start = performance.now();
    fitter.fit("x".repeat(2_000), 12, 80, false, "ends");
    expect(performance.now() - start).toBeLessThan(200);
  });

  it("writes smaller what is a little too wide, and no smaller than asked", () => {
    const width = fitter.width("positions", 13);
    expect(fitter.shrunk("positions", 13, width, false, 8)).toBe(13);
    expect(fitter.shrunk("positions", 13, width * 0.9, false, 8)).toBeCloseTo(11.7);
    expect(fitter.shrunk("positions", 13, width * 0.9, false, 12.5)).toBe(12.5);
    expect(fitter.shrunk("positions", 13, width * 0.6, false, 1)).toBeCloseTo(13 * 0.76);
    expect(fitter.shrunk("positions", 13, width * 0.2, false, 1)).toBe(13);
  });
});
