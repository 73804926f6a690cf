import type { HalfName } from "../../protocol";
import type { ScenePalette } from "../types";
import { css, faded, mix, rgba } from "./contrast";
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
  frame: Brush;
  subgraphFrame: Brush;
  header: string;
  headerLine: string;
  pill: string;
  boxLine: string;
  groupBox: Record<HalfName, string>;
  font: string;
  /** The same object for the same parts. */
  brush(parts: Brush): Brush;
}

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
  const line = mix(solid(palette.line), ink, 0.3);
  const half = { forward: solid(palette.forward), backward: solid(palette.backward) };
  const both = (share: number) => ({
    forward: mix(surface, half.forward, share),
    backward: mix(surface, half.backward, share),
  });
  const brush = brushes();
  const groupFill = palette.groupFill;
  const frameLine = mix(solid(palette.line), ink, 0.12);
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
    frame: brush({ fill: groupFill, stroke: frameLine }),
    subgraphFrame: brush({ fill: groupFill, stroke: line, dash: [5, 4] }),
    header: mix(opaque(groupFill, surface), ink, 0.06),
    headerLine: frameLine,
    pill: mix(surface, ink, 0.06),
    boxLine: mix(solid(palette.line), ink, 0.22),
    groupBox: both(0.13),
    font: palette.font,
    brush,
  };
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

/** Behind text that lies on lines. */
export const veil = (look: Look) => faded(look.surface, 0.82);
