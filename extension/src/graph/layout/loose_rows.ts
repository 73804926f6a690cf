/** Boxes without lines, in rows of their own. */
import type { LocalGraph } from "./local_graph";

const GAP_X = 16;
const GAP_Y = 14;
/** Rows are about this much wider than all of them are high. */
const ASPECT = 1.6;

/** Places are relative to the upper left corner of the rows. */
export interface LooseRows {
  /** By box; 0 for those that are not loose. */
  x: Float64Array;
  y: Float64Array;
  width: number;
  height: number;
}

/**
 * @param taken By box: whether it stands elsewhere.
 * @param besideWidth Rows may be as wide as what stands above them.
 */
export function looseRows(
  graph: LocalGraph,
  taken: readonly boolean[],
  besideWidth: number,
): LooseRows {
  const x = new Float64Array(graph.items.length);
  const y = new Float64Array(graph.items.length);
  const loose = [...x.keys()].filter((box) => !taken[box]);
  if (loose.length === 0) return { x, y, width: 0, height: 0 };
  let area = 0;
  for (const box of loose) {
    area += ((graph.width[box] as number) + GAP_X) * ((graph.height[box] as number) + GAP_Y);
  }
  const limit = Math.max(besideWidth, Math.sqrt(area * ASPECT));
  let [left, rowTop, rowHeight, width] = [0, 0, 0, 0];
  for (const box of loose) {
    const boxWidth = graph.width[box] as number;
    if (left > 0 && left + boxWidth > limit) {
      rowTop += rowHeight + GAP_Y;
      left = 0;
      rowHeight = 0;
    }
    x[box] = left;
    y[box] = rowTop;
    left += boxWidth + GAP_X;
    width = Math.max(width, left - GAP_X);
    rowHeight = Math.max(rowHeight, graph.height[box] as number);
  }
  return { x, y, width, height: rowTop + rowHeight };
}
