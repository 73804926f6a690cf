import {
  type EdgePaint,
  type ItemId,
  type ItemPaint,
  isGroup,
  itemGroup,
  type LegendRow,
  type Overlay,
  type PlacedEdge,
} from "../types";

/** What one overlay says of nodes, groups and lines; asked once for each. */
export interface OverlayParts {
  name: string;
  legend: LegendRow[];
  notes: string[];
  node(node: number): ItemPaint | null;
  group(group: number): ItemPaint | null;
  edge?(edge: PlacedEdge): EdgePaint | null;
  /** The fill of nodes there is no paint for; without it they look as they always do. */
  blank?: string;
}

/** Answers are kept, so that painting a frame costs a look-up an item. */
export function assemble(parts: OverlayParts): Overlay {
  const blank = parts.blank === undefined ? null : { fill: parts.blank, mark: "" };
  const items = new Map<ItemId, ItemPaint | null>();
  const edges = new WeakMap<PlacedEdge, { paint: EdgePaint | null }>();
  return {
    name: parts.name,
    legend: parts.legend,
    notes: parts.notes,
    item(item) {
      let paint = items.get(item);
      if (paint === undefined) {
        paint = isGroup(item) ? parts.group(itemGroup(item)) : (parts.node(item) ?? blank);
        items.set(item, paint);
      }
      return paint;
    },
    edge(edge) {
      let known = edges.get(edge);
      if (known === undefined) {
        known = { paint: parts.edge?.(edge) ?? null };
        edges.set(edge, known);
      }
      return known.paint;
    },
  };
}
