/** A level's size, and where in it the parts stand that were laid out apart. */
import * as sizes from "../sizes";
import type { LocalGraph } from "./local_graph";
import type { LooseRows } from "./loose_rows";

/** Between what has lines and what has none. */
const GAP = 18;

export interface Frame {
  width: number;
  height: number;
  /** Where ELK's picture begins. */
  left: number;
  top: number;
  loose: LooseRows;
  /** Where the boxes without lines begin. */
  looseLeft: number;
  looseTop: number;
}

interface Size {
  width: number;
  height: number;
}

/**
 * @param drawn The size of ELK's picture.
 * @param minWidth What the header needs; 0 for the graph itself, which has none.
 */
export function frameOf(graph: LocalGraph, drawn: Size, loose: LooseRows, minWidth: number): Frame {
  const header = minWidth > 0 ? sizes.HEADER_HEIGHT : 0;
  const lowerEnds = graph.up ? graph.entryCount : graph.exitCount;
  const upperEnds = graph.up ? graph.exitCount : graph.entryCount;
  // Lines to the lower border must not run through boxes, so those stand beside them then.
  const isBeside = lowerEnds > 0 && loose.width > 0 && drawn.width > 0;
  const gap = loose.width > 0 && drawn.width > 0 ? GAP : 0;
  const content = isBeside
    ? {
        width: drawn.width + gap + loose.width,
        height: Math.max(drawn.height, loose.height + 2 * sizes.OPEN_PADDING),
      }
    : {
        width: Math.max(drawn.width, loose.width),
        height: drawn.height + gap + loose.height,
      };
  // Where lines come through the border, ELK has left the space they need.
  const above = upperEnds > 0 ? 1 : sizes.OPEN_PADDING;
  const below = lowerEnds > 0 ? 1 : sizes.OPEN_PADDING;
  const width = Math.max(Math.ceil(content.width) + 2 * sizes.OPEN_PADDING, minWidth);
  const top = header + above;
  const side = Math.round((width - content.width) / 2);
  const centred = (part: Size): number => Math.round((width - part.width) / 2);
  return {
    width,
    height: graph.items.length === 0 ? header + above : top + Math.ceil(content.height) + below,
    left: isBeside ? side : centred(drawn),
    top,
    loose,
    looseLeft: isBeside ? side + drawn.width + gap : centred(loose),
    looseTop: isBeside ? top + sizes.OPEN_PADDING : top + drawn.height + gap,
  };
}
