import { describe, expect, it } from "vitest";
import * as sizes from "../sizes";
import { groupItem, type ItemPaint } from "../types";
import type { Drawing } from "./compose";
import { drawHeaders } from "./draw_headers";
import { drawText } from "./draw_text";
import { lookOf } from "./look";
import type { Sheet } from "./sheet";
import type { Face } from "./source";
import { TextFitter } from "./text";

const fitter = new TextFitter("sans-serif");
const look = lookOf({
  surface: "#fff",
  ink: "#222",
  muted: "#666",
  line: "#ddd",
  forward: "#1769c2",
  backward: "#d1660a",
  groupFill: "#f4f5f6",
  select: "#222",
  hover: "#666",
  font: "sans-serif",
});

/** What is written on a box as wide as layout makes it for its title. */
function written(face: Face, item: number, mark: string, zoom: number, full: boolean): string[] {
  const texts: string[] = [];
  const sheet = {
    text: (_z: number, text: string) => texts.push(text),
    box: () => {},
    polygon: () => {},
  } as unknown as Sheet;
  const source = { name: () => `/blocks.0/${face.title}_1` } as unknown as Drawing["source"];
  const drawing = { sheet, look, fitter, source, zoom, opacity: 1 } as unknown as Drawing;
  const paint: ItemPaint = { fill: "#d95c97", mark };
  const group = item < 0;
  const own = fitter.width(face.title, group ? sizes.GROUP_FONT : sizes.NODE_FONT, group);
  const width = group
    ? Math.max(own + 2 * sizes.GROUP_PADDING + sizes.TWISTY_WIDTH, sizes.GROUP_MIN_WIDTH)
    : Math.max(own + 2 * sizes.NODE_PADDING, sizes.NODE_MIN_WIDTH);
  const height = group ? sizes.GROUP_HEIGHT : sizes.NODE_HEIGHT;
  drawText(drawing, item, face, paint, { x: 0, y: 0, width, height }, full);
  return texts;
}

/** What is written in the header of an open group. */
function headed(title: string, width: number, mark: string | null): string[] {
  const texts: string[] = [];
  const sheet = {
    text: (_z: number, text: string) => texts.push(text),
    box: () => {},
    polygon: () => {},
  } as unknown as Sheet;
  const source = { face: () => face("half", title), module: () => null };
  const paint: ItemPaint | null = mark === null ? null : { fill: "#d95c97", mark };
  const overlay = { name: "", legend: [], notes: [], item: () => paint, edge: () => null };
  const placed = { item: groupItem(0), x: 0, y: 0, width, height: 200, depth: 0, open: true };
  const bar = { x: 0, y: 0, width, height: 16, placed, stuck: false, enlarged: true };
  const drawing = { look, fitter, source, overlay } as unknown as Parameters<typeof drawHeaders>[2];
  drawHeaders(sheet, [bar], drawing);
  return texts;
}

const face = (kind: Face["kind"], title: string): Face =>
  ({ kind, title, note: "", half: "forward" }) as Face;

describe("a title beside an overlay's mark", () => {
  const boxes = [
    ...["Add", "Gelu", "MatMul", "YieldOp", "FusedMatMul", "LayerNormalization"].map(
      (title) => [title, face("op", title), 3] as const,
    ),
    ...["0", "blocks", "embedding", "cross_attention"].map(
      (title) => [title, face("module", title), groupItem(3)] as const,
    ),
  ];
  const marks = ["◆", "=", "◆ ≈ 2e-7", "≠ 5e-2 ✱", "◆ ≠ 5e-2 ✱", "NaN", "3 | 12", "12 %"];

  it.each(boxes)("%s is never cut for it", (title, own, item) => {
    for (const mark of marks) {
      for (let zoom = 0.5; zoom < 2; zoom += 0.05) {
        for (const full of [false, true]) {
          const texts = written(own, item, mark, zoom, full);
          expect(texts, `${mark} at zoom ${zoom.toFixed(2)}`).toContain(title);
        }
      }
    }
  });

  it.each(boxes)("%s has the mark too", (_title, own, item) => {
    for (let zoom = 0.5; zoom < 2; zoom += 0.05) {
      expect(written(own, item, "◆", zoom, false)).toContain("◆");
      expect(written(own, item, "≠ 5e-2 ✱", zoom, false)).toContain("≠✱");
      // Signs of the overlay, and where a finding lies, on the corner.
      expect(written(own, item, "◆ ≠ 5e-2 ✱", zoom, false).join("")).toMatch(/◆≠✱|≠✱◆/);
    }
  });

  it("is not cut in the header of an open group", () => {
    const alone = (width: number) => headed("backward", width, null).includes("backward");
    const least = Array.from({ length: 100 }, (_, more) => 60 + more).find(alone) ?? 0;
    for (let width = least; width < least + 60; width += 1) {
      expect(headed("backward", width, "≠ 5e-2 ✱")).toContain("backward");
    }
    expect(headed("backward", 300, "≠ 5e-2 ✱")).toContain("≠ 5e-2 ✱");
  });
});
