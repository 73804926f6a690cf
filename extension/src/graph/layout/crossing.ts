/** Lines from the forward half to the backward half: what is kept for the gradients. */
import type { LayoutInput } from "./messages";
import type { Box, Line, Sheet } from "./sheet";

/** More lines than this across are drawn between the groups around their boxes instead. */
const MOST_LINES = 160;
/** Lines of one box are at most this far apart. */
const SPREAD = 7;
/** How far beyond the half a line goes straight before it turns to the other half. */
const LEAD = 14;

interface Pair {
  from: number;
  to: number;
  edges: number[];
}

/** @param crossing From item, to item, edge, … . */
export function crossingLines(
  input: LayoutInput,
  crossing: readonly number[],
  left: Sheet,
  right: Sheet,
  forwardHalf: Box,
  backwardHalf: Box,
): Line[] {
  const boxes = new Map([...left.boxes, ...right.boxes].map((box) => [box.item, box]));
  const pairs = fewEnough(input, crossing, boxes).filter(
    ({ from, to }) => boxes.has(from) && boxes.has(to),
  );
  const starts = heights(pairs, "from", "to", boxes);
  const ends = heights(pairs, "to", "from", boxes);
  return pairs.map((pair, index) => {
    const from = boxes.get(pair.from) as Box;
    const to = boxes.get(pair.to) as Box;
    const ahead = from.x < to.x;
    const [fromHalf, toHalf] = ahead ? [forwardHalf, backwardHalf] : [backwardHalf, forwardHalf];
    const side = ahead ? 1 : -1;
    const outOf = (box: Box, toRight: boolean): number => (toRight ? box.x + box.width : box.x);
    const start = starts[index] as number;
    const end = ends[index] as number;
    return {
      from: pair.from,
      to: pair.to,
      edges: pair.edges,
      points: Float32Array.of(
        outOf(from, ahead),
        start,
        outOf(fromHalf, ahead) + side * LEAD,
        start,
        outOf(toHalf, !ahead) - side * LEAD,
        end,
        outOf(to, !ahead),
        end,
      ),
      stub: false,
      crossing: true,
    };
  });
}

/** The deepest boxes between which there are not too many lines. */
function fewEnough(
  input: LayoutInput,
  crossing: readonly number[],
  boxes: ReadonlyMap<number, Box>,
): Pair[] {
  let deepest = 1;
  for (let at = 0; at < crossing.length; at += 3) {
    deepest = Math.max(
      deepest,
      boxes.get(crossing[at] as number)?.depth ?? 0,
      boxes.get(crossing[at + 1] as number)?.depth ?? 0,
    );
  }
  for (let depth = deepest; ; depth -= 1) {
    const pairs = pairsAt(input, crossing, boxes, depth);
    if (pairs.length <= MOST_LINES || depth <= 0) return pairs;
  }
}

function pairsAt(
  input: LayoutInput,
  crossing: readonly number[],
  boxes: ReadonlyMap<number, Box>,
  depth: number,
): Pair[] {
  const pairs = new Map<string, Pair>();
  for (let at = 0; at < crossing.length; at += 3) {
    const from = around(input, boxes, crossing[at] as number, depth);
    const to = around(input, boxes, crossing[at + 1] as number, depth);
    const key = `${from} ${to}`;
    const known = pairs.get(key);
    if (known === undefined) pairs.set(key, { from, to, edges: [crossing[at + 2] as number] });
    else known.edges.push(crossing[at + 2] as number);
  }
  return [...pairs.values()];
}

/** A box, or the one around it that has no more than `depth` open groups around it. */
function around(
  input: LayoutInput,
  boxes: ReadonlyMap<number, Box>,
  item: number,
  depth: number,
): number {
  let at = item;
  while ((boxes.get(at)?.depth ?? 0) > depth) {
    at = -1 - ((at < 0 ? input.groupParent[-1 - at] : input.nodeGroup[at]) as number);
  }
  return at;
}

/** By line: its height at one end, in the order of its other ends so that few lines cross. */
function heights(
  pairs: readonly Pair[],
  end: "from" | "to",
  other: "from" | "to",
  boxes: ReadonlyMap<number, Box>,
): Float64Array {
  const byBox = new Map<number, number[]>();
  pairs.forEach((pair, index) => {
    const known = byBox.get(pair[end]);
    if (known === undefined) byBox.set(pair[end], [index]);
    else known.push(index);
  });
  const found = new Float64Array(pairs.length);
  const otherY = (index: number): number => boxes.get((pairs[index] as Pair)[other])?.y ?? 0;
  for (const [item, lines] of byBox) {
    const box = boxes.get(item) as Box;
    const room = box.height - 10;
    const gap = Math.min(SPREAD, room / lines.length);
    lines.sort((a, b) => otherY(a) - otherY(b));
    lines.forEach((line, index) => {
      found[line] = box.y + box.height / 2 + (index - (lines.length - 1) / 2) * gap;
    });
  }
  return found;
}
