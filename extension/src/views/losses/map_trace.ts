import type { PlotData } from "plotly.js";
import { formatCount } from "../shared/format";
import type { Palette } from "../shared/palette";
import { KINDS } from "./kinds";
import type { MaskMap } from "./series";

/** A cell must be this large for the sign of its kind to be written in it. */
const SIGN_PX = { width: 26, height: 13 };
/** Up to this many columns cells keep a gap between them. */
const GAP_COLUMNS = 200;

/** The step × position map of masked elements; cells without any stay empty. */
export function mapTrace(
  map: MaskMap | null,
  size: { width: number; height: number },
  palette: Palette,
): Partial<PlotData>[] {
  if (map === null || map.positions.length === 0) return [];
  const columns = map.steps.values.length;
  const signed =
    size.width >= SIGN_PX.width * columns && size.height >= SIGN_PX.height * map.positions.length;
  const cells = map.positions.map((_, row) =>
    Array.from(
      { length: columns },
      (__, column) => map.codes.values[row * columns + column] || null,
    ),
  );
  return [
    {
      type: "heatmap",
      name: "map",
      x: Array.from(map.steps.values, (step) => step + (map.steps_per_bin - 1) / 2),
      y: map.positions.map((_, index) => index),
      z: cells,
      dx: map.steps_per_bin,
      zmin: 1,
      zmax: KINDS.length,
      hoverinfo: "skip",
      text: signed ? cells.map((row) => row.map((code) => (code ? signOf(code) : ""))) : undefined,
      texttemplate: signed ? "%{text}" : undefined,
      textfont: { size: 9, color: palette.surface },
      colorscale: palette.kindScale,
      showscale: false,
      xgap: columns <= GAP_COLUMNS ? 1 : 0,
      ygap: 1,
    } as unknown as Partial<PlotData>,
  ];
}

/** What a cell of the map says when pointed at. */
export function cellText(map: MaskMap, row: number, column: number): string {
  const columns = map.steps.values.length;
  const code = map.codes.values[row * columns + column] ?? 0;
  const count = map.counts.values[row * columns + column] ?? 0;
  const place = `position ${map.positions[row] ?? row}`;
  if (code === 0) return `${place}: nothing masked`;
  return `${place}: ${formatCount(count)} masked${count > 1 ? ", most of them" : ","} ${signOf(code)}`;
}

function signOf(code: number): string {
  return KINDS[code - 1]?.label ?? "";
}
