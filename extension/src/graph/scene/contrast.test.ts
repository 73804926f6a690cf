import { describe, expect, it } from "vitest";
import { contrast, inkOn, mix, rgba } from "./contrast";
import { lookOf } from "./look";

describe("rgba", () => {
  it.each([
    ["#fff", [255, 255, 255, 1]],
    ["rgb(18, 52, 86)", [18, 52, 86, 1]],
    ["rgba(0,0,0,0.25)", [0, 0, 0, 0.25]],
    ["color(srgb 1 0.5 0 / 0.5)", [255, 127.5, 0, 0.5]],
  ])("reads %s", (color, parts) => {
    expect(rgba(color)).toEqual(parts);
  });
});

it("contrast is what WCAG says", () => {
  expect(contrast("#000", "#fff")).toBeCloseTo(21);
  expect(contrast("#777", "#fff")).toBeCloseTo(4.48, 2);
});

it("mixing goes from one colour to the other", () => {
  expect(mix("#000000", "#ffffff", 0.5)).toBe("#808080");
  expect(mix("#123456", "#ffffff", 0)).toBe("#123456");
});

describe("inkOn", () => {
  it("keeps the theme's ink where it can be read", () => {
    expect(inkOn("#ffffff", "#22262a")).toBe("#22262a");
  });

  it("can be read on every fill", () => {
    for (let red = 0; red <= 255; red += 51) {
      for (let green = 0; green <= 255; green += 51) {
        const fill = `rgb(${red},${green},128)`;
        expect(contrast(fill, inkOn(fill, "#8899aa"))).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});

const PALETTES = {
  light: { surface: "#ffffff", ink: "#22262a", muted: "#656c73", line: "#dfe2e5" },
  dark: { surface: "#16191c", ink: "#e6e9ec", muted: "#9aa3ab", line: "#343a40" },
};

describe.each(Object.entries(PALETTES))("the look in a %s theme", (_, colors) => {
  const look = lookOf({
    ...colors,
    forward: "#1769c2",
    backward: "#d1660a",
    groupFill: "rgba(128, 128, 128, 0.08)",
    select: "#b3125c",
    hover: "#656c73",
    font: 'system-ui, "Segoe UI", <b>&',
  });

  it("has lines that are seen on every ground", () => {
    for (const ground of [look.surface, ...look.frames]) {
      expect(contrast(look.line, ground)).toBeGreaterThanOrEqual(2);
    }
  });

  it("has text that is read on boxes and headers", () => {
    const grounds = [look.header, look.pill, ...Object.values(look.near)];
    for (const ground of [...grounds, ...Object.values(look.groupBox)]) {
      expect(contrast(look.ink, ground)).toBeGreaterThanOrEqual(7);
    }
  });

  it("has a font that can stand in an attribute", () => {
    expect(look.font).toBe("system-ui, 'Segoe UI', b");
  });

  it("gives the same brush for the same parts, so that they are batched", () => {
    expect(look.brush({ fill: "#123" })).toBe(look.brush({ fill: "#123" }));
    expect(look.brush({ fill: "#123" })).not.toBe(look.brush({ fill: "#123", opacity: 0.5 }));
  });
});
