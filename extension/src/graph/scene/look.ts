import type { HalfName } from "../../protocol";
import type { ScenePalette } from "../types";
import { contrast, css, mix, rgba } from "./contrast";
import type { Brush } from "./sheet";

/** Everything that is painted, worked out from the theme's colours once. */
export interface Look {
  surface: string;
  ink: string;
  muted: string;
  select: string;
  hover: string;
  half: Record<HalfName, string>;
  /** A box near by, and one too small for more than its colour. */
  near: Record<HalfName, string>;
  far: Record<HalfName, string>;
  line: string;
  crossing: string;
  /** Grounds of open groups by depth; the last is for all below. */
  frames: readonly string[];
  frameLine: string;
  header: string;
  headerLine: string;
  pill: string;
  boxLine: string;
  groupBox: Record<HalfName, string>;
  font: string;
  /** The same object for the same parts. */
  brush(parts: Brush): Brush;
}

/** How much more ink an open group's ground has than that of the group around it. */
const DEPTH_SHARE = 0.014;

const opaque = (color: string, surface: string) => {
  const [r, g, b, a] = rgba(color);
  return a >= 1 ? css([r, g, b, 1]) : mix(surface, css([r, g, b, 1]), a);
};

/** @param palette Any CSS colours; translucent ones are taken as laid on the surface. */
export function lookOf(palette: ScenePalette): Look {
  const [sr, sg, sb] = rgba(palette.surface);
  const surface = css([sr, sg, sb, 1]);
  const solid = (color: string) => opaque(color, surface);
  const ink = solid(palette.ink);
  const ground = opaque(palette.groupFill, surface);
  const frames = [0, 1, 2, 3, 4].map((depth) => mix(ground, ink, depth * DEPTH_SHARE));
  const deepest = frames[frames.length - 1] ?? ground;
  const seen = (ratio: number) => atLeast(solid(palette.line), ink, deepest, ratio);
  const line = seen(2.7);
  const half = { forward: solid(palette.forward), backward: solid(palette.backward) };
  const both = (share: number) => ({
    forward: mix(surface, half.forward, share),
    backward: mix(surface, half.backward, share),
  });
  const brush = brushes();
  const frameLine = seen(1.4);
  return {
    surface,
    ink,
    muted: solid(palette.muted),
    select: solid(palette.select),
    hover: solid(palette.hover),
    half,
    near: both(0.05),
    far: both(0.5),
    line,
    crossing: mix(half.backward, ink, 0.1),
    frames,
    frameLine,
    header: mix(deepest, ink, 0.045),
    headerLine: frameLine,
    pill: mix(surface, ink, 0.06),
    boxLine: seen(1.8),
    groupBox: both(0.13),
    // zrender writes it into an attribute as it is.
    font: palette.font.replace(/"/g, "'").replace(/[<>&]/g, ""),
    brush,
  };
}

/** A colour, mixed with ink until it has so much contrast to the surface. */
function atLeast(color: string, ink: string, surface: string, ratio: number): string {
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(color, ink, share);
    if (contrast(mixed, surface) >= ratio) return mixed;
  }
  return ink;
}

function brushes(): (parts: Brush) => Brush {
  const known = new Map<string, Brush>();
  return (parts) => {
    const { fill, stroke, width, dash, opacity } = parts;
    const key = `${fill}|${stroke}|${width}|${dash}|${opacity}`;
    let found = known.get(key);
    if (found === undefined) {
      found = parts;
      if (known.size > 5_000) known.clear();
      known.set(key, found);
    }
    return found;
  };
}
