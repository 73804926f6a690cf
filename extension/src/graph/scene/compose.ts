import type Displayable from "zrender/lib/graphic/Displayable.js";
import { CORNER_RADIUS } from "../sizes";
import type { ItemId, Overlay, PlacedEdge, PlacedItem } from "../types";
import type { Indexed } from "./boxes";
import { drawBox } from "./draw_box";
import { drawFrame } from "./draw_frame";
import { drawLine } from "./draw_line";
import { BEND_ZOOM } from "./lod";
import type { Look } from "./look";
import { Sheet } from "./sheet";
import type { SceneSource } from "./source";
import { drawStubNames } from "./stub_names";
import type { TextFitter } from "./text";
import type { Rect } from "./viewport";

/** What lies on what. Open groups take 0 to 99, by depth. */
export const Z = {
  line: 100,
  head: 110,
  card: 120,
  box: 130,
  bar: 140,
  text: 150,
  badge: 160,
} as const;

/** What drawing needs to know, whatever is drawn. */
export interface Drawing {
  sheet: Sheet;
  look: Look;
  fitter: TextFitter;
  source: SceneSource;
  overlay: Overlay | null;
  /** Screen px per unit of the world, as level of detail sees it. */
  zoom: number;
  /** The part of the world that is drawn. */
  area: Rect;
  /** Where the picture's boxes are. */
  at: ReadonlyMap<ItemId, PlacedItem>;
  /** 0 to 1; below 1 while something fades in. */
  opacity: number;
}

/** Where a box is at this moment of a transition. */
export interface Motion {
  /** What is on screen at some time of the transition. */
  cut: Cut;
  rect(placed: PlacedItem): Rect;
  opacity(placed: PlacedItem): number;
  /** Of lines. */
  lineOpacity: number;
}

/** What of a picture has to be drawn, as indices into its items and edges. */
export interface Cut {
  items: Iterable<number>;
  edges: Iterable<number>;
}

/** What touches an area of the world. */
export const cutOf = (model: Indexed, area: Rect): Cut => ({
  items: model.itemsIn(area),
  edges: model.edgesIn(area),
});

/** Everything of a picture that has to be drawn, in the world's units. */
export function compose(
  { at: places, picture: { items, edges } }: Indexed,
  cut: Cut,
  drawing: Omit<Drawing, "sheet" | "opacity" | "at">,
  motion: Motion | null = null,
): Displayable[] {
  const sheet = new Sheet(drawing.fitter, drawing.zoom >= BEND_ZOOM ? CORNER_RADIUS : 0);
  const at = { ...drawing, sheet, at: places, opacity: motion?.lineOpacity ?? 1 };
  const stubs: PlacedEdge[] = [];
  for (const index of cut.edges) {
    const edge = edges[index];
    if (edge === undefined) continue;
    drawLine(at, edge);
    if (edge.shape === "stub") stubs.push(edge);
  }
  drawStubNames(at, stubs);
  at.opacity = 1;
  for (const index of cut.items) {
    const placed = items[index];
    if (placed === undefined) continue;
    if (motion !== null) at.opacity = motion.opacity(placed);
    const rect = motion === null ? placed : motion.rect(placed);
    if (placed.open) drawFrame(at, placed, rect);
    else drawBox(at, placed.item, rect);
  }
  return sheet.elements();
}
