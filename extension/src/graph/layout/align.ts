/** Puts what belongs together in the two halves side by side, by making room above it. */
import type { Box, Line, Sheet } from "./sheet";

/** From an old height to a new one: everything from `tops[i]` on moves by `by[i]`. */
interface Shift {
  tops: number[];
  by: number[];
}

/**
 * Room for a moved box begins a little above it, with the lines that lead to it: less than the
 * space between rows.
 */
const ABOVE = 4;

/**
 * @param twin By group: the group of the other half that belongs beside it, or -1.
 */
export function alignHalves(left: Sheet, right: Sheet, twin: Int32Array): void {
  const rights = new Map(right.boxes.map((box) => [box.item, box]));
  const pairs: [Box, Box][] = [];
  for (const box of left.boxes) {
    const other = box.item < 0 ? rights.get(-1 - (twin[-1 - box.item] as number)) : undefined;
    if (other !== undefined) pairs.push([box, other]);
  }
  pairs.sort(([a, b], [c, d]) => a.y - c.y || b.y - d.y);
  const shifts: [Shift, Shift] = [
    { tops: [], by: [] },
    { tops: [], by: [] },
  ];
  let lastLeft = Number.NEGATIVE_INFINITY;
  let lastRight = Number.NEGATIVE_INFINITY;
  for (const [one, other] of pairs) {
    // The halves need not be in the same order, and what is one row here may be many there: only
    // what goes on downwards in both is aligned.
    if (one.y <= lastLeft || other.y <= lastRight) continue;
    lastLeft = one.y;
    lastRight = other.y;
    const missing = one.y + moved(shifts[0]) - (other.y + moved(shifts[1]));
    const short = missing > 0 ? shifts[1] : shifts[0];
    const top = (missing > 0 ? other.y : one.y) - ABOVE;
    if (Math.abs(missing) >= 1) add(short, top, Math.abs(missing));
  }
  apply(left, shifts[0]);
  apply(right, shifts[1]);
}

const moved = (shift: Shift): number => shift.by[shift.by.length - 1] ?? 0;

function add(shift: Shift, top: number, amount: number): void {
  shift.tops.push(top);
  shift.by.push(moved(shift) + amount);
}

function shiftAt(shift: Shift, y: number): number {
  let low = 0;
  let high = shift.tops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shift.tops[middle] as number) <= y) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : (shift.by[low - 1] as number);
}

function apply(sheet: Sheet, shift: Shift): void {
  if (shift.tops.length === 0) return;
  const before = new Map(sheet.boxes.map((box) => [box.item, { ...box }]));
  for (const box of sheet.boxes) {
    const bottom = box.y + box.height;
    box.y += shiftAt(shift, box.y);
    // What is in an open group moves apart, so it grows; no other box may.
    if (box.open) box.height = bottom + shiftAt(shift, bottom) - box.y;
  }
  const now = new Map(sheet.boxes.map((box) => [box.item, box]));
  for (const line of sheet.lines) shiftLine(line, shift, before, now);
}

function shiftLine(
  line: Line,
  shift: Shift,
  before: ReadonlyMap<number, Box>,
  now: ReadonlyMap<number, Box>,
): void {
  const { points } = line;
  const last = points.length - 1;
  const start = endAt(points[1] as number, line.from, shift, before, now);
  const end = endAt(points[last] as number, line.to, shift, before, now);
  if (line.stub) {
    // Its two ends are lines of their own, which keep their lengths.
    points[3] = start + (points[3] as number) - (points[1] as number);
    points[last - 2] = end + (points[last - 2] as number) - (points[last] as number);
  } else {
    for (let at = 3; at < last; at += 2) {
      points[at] = (points[at] as number) + shiftAt(shift, points[at] as number);
    }
  }
  points[1] = start;
  points[last] = end;
}

/** An end stays at the edge of its box, or at the same distance below that box's top. */
function endAt(
  y: number,
  item: number,
  shift: Shift,
  before: ReadonlyMap<number, Box>,
  now: ReadonlyMap<number, Box>,
): number {
  const old = before.get(item);
  const box = now.get(item);
  if (old === undefined || box === undefined) return y + shiftAt(shift, y);
  const fromBottom = old.y + old.height - y;
  return Math.abs(fromBottom) < 1 ? box.y + box.height : box.y + (y - old.y);
}
