import { describe, expect, it } from "vitest";
import { contrast, inkOn } from "../scene/contrast";
import { CALM, COLOURS, HUES, sequential, type Theme } from "./colours";

const THEMES: Theme[] = ["light", "dark"];

type Triple = [number, number, number];

const linear = (color: string) =>
  [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Triple;

const times = (matrix: Triple[], [x, y, z]: Triple) =>
  matrix.map(([a, b, c]) => a * x + b * y + c * z) as Triple;

/** Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB. */
const EYES: Record<string, Triple[]> = {
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
};

/** Oklab (Ottosson 2020), in which distances are about as large as they look. */
function oklab(color: string, eye: Triple[]): Triple {
  const seen = times(eye, linear(color)).map((part) => Math.min(Math.max(part, 0), 1)) as Triple;
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    seen,
  ).map(Math.cbrt) as Triple;
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

function distance(a: string, b: string, eye = EYES.usual as Triple[]): number {
  const [x, y] = [oklab(a, eye), oklab(b, eye)];
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

describe.each(THEMES)("colours of the %s theme", (theme) => {
  const hues = Object.values(HUES[theme]);

  it.each(Object.keys(EYES))("keeps ten kinds apart for %s eyes", (eye) => {
    for (const [i, a] of hues.entries()) {
      for (const b of hues.slice(i + 1)) {
        expect(distance(a, b, EYES[eye]), `${a} ${b}`).toBeGreaterThan(0.07);
      }
    }
  });

  it("does not use eager's, ORT's and the look colour for kinds and scales", () => {
    const { reference, candidate, look } = COLOURS[theme];
    const shades = Array.from({ length: 65 }, (_, i) => sequential(theme, i / 64));
    for (const own of [reference, candidate, look]) {
      for (const color of [...hues, ...shades, ...CALM[theme]]) {
        expect(distance(own, color), `${own} ${color}`).toBeGreaterThan(0.07);
      }
    }
  });

  it("has a scale that grows evenly away from the ground, for all eyes", () => {
    for (const eye of Object.values(EYES)) {
      const light = Array.from({ length: 65 }, (_, i) => oklab(sequential(theme, i / 64), eye)[0]);
      for (let i = 8; i < light.length; i += 8) {
        const step = (light[i] as number) - (light[i - 8] as number);
        expect(theme === "light" ? -step : step).toBeGreaterThan(0.03);
      }
    }
  });

  it("keeps text on every colour readable", () => {
    const ink = theme === "light" ? "#22262a" : "#e6e9ec";
    const { reference, candidate, look } = COLOURS[theme];
    for (const fill of [
      ...hues,
      ...CALM[theme],
      reference,
      candidate,
      look,
      sequential(theme, 0.5),
    ]) {
      expect(contrast(fill, inkOn(fill, ink))).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("takes any number for a share", () => {
    const ends = [sequential(theme, 0), sequential(theme, 1)];
    expect(ends).toContain("#00204d");
    expect(ends).toContain("#ffea46");
    expect(sequential(theme, -3)).toBe(ends[0]);
    expect(sequential(theme, 7)).toBe(ends[1]);
    expect(sequential(theme, Number.NaN)).toBe(ends[0]);
  });
});
