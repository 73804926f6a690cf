import { parse } from "zrender/lib/tool/color.js";

/** Red, green and blue from 0 to 255, alpha from 0 to 1. */
export type Rgba = readonly [number, number, number, number];

const known = new Map<string, Rgba>();
const BLACK: Rgba = [0, 0, 0, 1];

/** Any CSS colour as numbers; black where it is none. */
export function rgba(color: string): Rgba {
  const found = known.get(color);
  if (found !== undefined) return found;
  if (known.size > 4_096) known.clear();
  const read = (parse(color) as unknown as Rgba | undefined) ?? functional(color) ?? painted(color);
  known.set(color, read);
  return read;
}

/** `color(srgb 0.1 0.2 0.3 / 0.5)`, which is how browsers write a `color-mix`. */
function functional(color: string): Rgba | null {
  const match = /^color\(srgb ([^)]*)\)$/.exec(color.trim());
  const numbers = match?.[1]?.split(/[\s/]+/).map(Number);
  if (numbers === undefined || numbers.length < 3 || numbers.some(Number.isNaN)) return null;
  const [r = 0, g = 0, b = 0, a = 1] = numbers;
  return [r * 255, g * 255, b * 255, a];
}

/** What the browser paints for it. */
function painted(color: string): Rgba {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d");
  if (context === null) return BLACK;
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r = 0, g = 0, b = 0, a = 0] = context.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}

export const css = ([r, g, b, a]: Rgba): string =>
  a >= 1
    ? `#${[r, g, b].map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`
    : `rgba(${Math.round(r)},${Math.round(g)},${Math.round(b)},${Number(a.toFixed(3))})`;

/** `share` of `over` on `under`, both opaque. */
export function mix(under: string, over: string, share: number): string {
  const from = rgba(under);
  const to = rgba(over);
  const blend = (i: 0 | 1 | 2) => from[i] + (to[i] - from[i]) * share;
  return css([blend(0), blend(1), blend(2), 1]);
}

/** Relative luminance as WCAG 2.2 defines it, from 0 to 1. */
function luminance(color: string): number {
  const [r, g, b] = rgba(color);
  const linear = (part: number) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}

/** Contrast ratio as WCAG 2.2 defines it, from 1 to 21. */
export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

/** The ink to write on a fill: the theme's where it can be read, else black or white. */
export function inkOn(fill: string, preferred: string): string {
  if (contrast(fill, preferred) >= 4.5) return preferred;
  return contrast(fill, "#000000") >= contrast(fill, "#ffffff") ? "#000000" : "#ffffff";
}
