/** The whole of a training graph: forward left, backward right, what joins them below. */
import * as sizes from "../sizes";
import { alignHalves } from "./align";
import { crossingLines } from "./crossing";
import { joiningLines } from "./joining";
import type { LayoutInput } from "./messages";
import type { LaidOut } from "./place";
import { placeLevel } from "./place";
import { type Box, emptySheet, move, type Sheet } from "./sheet";

const MARGIN = 24;
/** Between the halves and what stands above and below them. */
const ROW_GAP = 44;
const ITEM_GAP = 16;
/** Between inputs, which have the names of their stubs beside them. */
const INPUT_GAP = 72;

/** The two halves among the boxes of the graph; null where there are not both. */
export function halvesOf(
  input: LayoutInput,
  items: Int32Array,
): { forward: number; backward: number } | null {
  const find = (half: number): number | undefined =>
    items.find((item) => item < 0 && input.groupHalf[-1 - item] === half);
  const forward = find(1);
  const backward = find(2);
  return forward === undefined || backward === undefined ? null : { forward, backward };
}

interface Halves {
  left: Sheet;
  right: Sheet;
  forward: Box;
  backward: Box;
}

/**
 * @param levels All laid-out levels; `root` is the graph's own, of which only sizes are used.
 * @param crossing From item, to item, edge, … .
 */
export function placeHalves(
  input: LayoutInput,
  levels: ReadonlyMap<number, LaidOut>,
  root: LaidOut["graph"],
  items: { forward: number; backward: number },
  crossing: readonly number[],
): { sheet: Sheet; width: number; height: number } {
  const halves = placedHalves(levels, root, items);
  alignHalves(halves.left, halves.right, input.groupTwin);
  const rest = Array.from(root.items.keys()).filter((index) => {
    const item = root.items[index] as number;
    return item !== items.forward && item !== items.backward;
  });
  const isSource = (index: number): boolean =>
    root.lines.every((line) => line.to !== index) && root.lines.some((line) => line.from === index);
  const above = rest.filter(isSource);
  const below = rest.filter((index) => !above.includes(index));
  const top = MARGIN + (above.length > 0 ? rowHeight(root, above) + ROW_GAP : 0);
  spread(halves, top);
  const joined: Box[] = [
    ...rowOf(root, above, halves.forward.x + halves.forward.width / 2, MARGIN, INPUT_GAP),
    ...rowOf(root, below, middleOf(halves), bottomOf(halves) + ROW_GAP, ITEM_GAP),
  ];
  const sheet = emptySheet();
  sheet.boxes.push(...halves.left.boxes, ...halves.right.boxes, ...joined);
  sheet.lines.push(
    ...crossingLines(input, crossing, halves.left, halves.right, halves.forward, halves.backward),
    ...halves.left.lines,
    ...halves.right.lines,
    ...joiningLines(levels, root, sheet.boxes, items.backward, ROW_GAP),
  );
  return { sheet, ...fitted(sheet) };
}

function placedHalves(
  levels: ReadonlyMap<number, LaidOut>,
  root: LaidOut["graph"],
  items: { forward: number; backward: number },
): Halves {
  const sheetOf = (item: number): [Sheet, Box] => {
    const sheet = emptySheet();
    const index = root.items.indexOf(item);
    const box: Box = {
      item,
      x: 0,
      y: 0,
      width: root.width[index] as number,
      height: root.height[index] as number,
      depth: 0,
      open: root.open[index] !== null,
    };
    sheet.boxes.push(box);
    if (box.open) placeLevel(levels, -1 - item, 0, 0, 1, sheet);
    return [sheet, box];
  };
  const [left, forward] = sheetOf(items.forward);
  const [right, backward] = sheetOf(items.backward);
  return { left, right, forward, backward };
}

/** Side by side, both as high as the higher one where both are open. */
function spread(halves: Halves, top: number): void {
  const { left, right, forward, backward } = halves;
  const height = Math.max(forward.height, backward.height);
  if (forward.open && backward.open) {
    stretch(left, forward, height);
    stretch(right, backward, height);
  }
  move(left, MARGIN, top + (height - forward.height) / 2);
  const across = forward.x + forward.width + sizes.HALVES_GAP;
  move(right, across, top + (height - backward.height) / 2);
}

/** Lower a half's lower edge, and with it the ends of lines that go through it. */
function stretch(sheet: Sheet, half: Box, height: number): void {
  const bottom = half.y + half.height;
  const added = height - half.height;
  half.height = height;
  for (const { from, to, points, stub } of sheet.lines) {
    const lower = (at: number): void => {
      points[at] = (points[at] as number) + added;
    };
    const last = points.length - 1;
    if (from === half.item && Math.abs((points[1] as number) - bottom) < 1) {
      lower(1);
      if (stub) lower(3);
    }
    if (to === half.item && Math.abs((points[last] as number) - bottom) < 1) {
      lower(last);
      if (stub) lower(last - 2);
    }
  }
}

const middleOf = (halves: Halves): number =>
  (halves.forward.x + halves.forward.width + halves.backward.x) / 2;

const bottomOf = ({ forward, backward }: Halves): number =>
  Math.max(forward.y + forward.height, backward.y + backward.height);

const rowHeight = (root: LaidOut["graph"], row: readonly number[]): number =>
  Math.max(...row.map((index) => root.height[index] as number));

function rowOf(
  root: LaidOut["graph"],
  row: readonly number[],
  middle: number,
  top: number,
  gap: number,
): Box[] {
  const widths = row.map((index) => root.width[index] as number);
  const width = widths.reduce((sum, each) => sum + each + gap, -gap);
  let left = Math.round(middle - width / 2);
  return row.map((index, place) => {
    const box: Box = {
      item: root.items[index] as number,
      x: left,
      y: top,
      width: widths[place] as number,
      height: root.height[index] as number,
      depth: 0,
      open: false,
    };
    left += box.width + gap;
    return box;
  });
}

/** Moves everything to where the margin is, and says how much room all takes. */
function fitted(sheet: Sheet): { width: number; height: number } {
  let [left, top, right, bottom] = [0, 0, 0, 0];
  for (const box of sheet.boxes) {
    left = Math.min(left, box.x - MARGIN);
    top = Math.min(top, box.y - MARGIN);
    right = Math.max(right, box.x + box.width + MARGIN);
    bottom = Math.max(bottom, box.y + box.height + MARGIN);
  }
  for (const { points } of sheet.lines) {
    for (let at = 1; at < points.length; at += 2)
      bottom = Math.max(bottom, (points[at] as number) + 8);
  }
  if (left < 0 || top < 0) move(sheet, -left, -top);
  return { width: right - left, height: bottom - top };
}
