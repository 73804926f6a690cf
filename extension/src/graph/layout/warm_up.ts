import type { RunElk } from "./elk";
import { layoutLevel } from "./level_layout";
import { BORDER, type LocalGraph, type LocalLine } from "./local_graph";

/** Boxes of the graph that is laid out for practice. */
const BOXES = 24;
/** More would take the processor from those who prepare the graph. */
const ROUNDS = 3;

/**
 * Lay out a small graph again and again: the first calls of ELK take ten times as long.
 *
 * @param breathe Lets messages in.
 * @param isOver Whether there is real work to do.
 */
export async function warmUp(
  elk: RunElk,
  breathe: () => Promise<void>,
  isOver: () => boolean,
): Promise<void> {
  for (let round = 0; round < ROUNDS && !isOver(); round += 1) {
    layoutLevel(practice(round % 2 === 0), elk, 80, null);
    await breathe();
  }
}

function practice(up: boolean): LocalGraph {
  const numbers = Array.from({ length: BOXES }, (_, index) => index);
  const line = (from: number, to: number): LocalLine => ({
    from,
    fromPort: 0,
    to,
    toPort: 0,
    edges: [],
  });
  return {
    up,
    items: Int32Array.from(numbers),
    width: numbers.map((index) => 50 + index),
    height: numbers.map(() => 26),
    open: numbers.map(() => null),
    entryCount: 1,
    exitCount: 1,
    lines: [
      line(BORDER, 0),
      ...numbers.slice(1).map((index) => line(index - 1 - (index % 3 === 0 ? 1 : 0), index)),
      ...numbers.slice(5).map((index) => line(index - 1 - (index % 5), index)),
      // Long ones, and some that lead back.
      ...numbers.slice(9).map((index) => line(index - 9, index)),
      ...numbers
        .slice(6)
        .filter((index) => index % 4 === 0)
        .map((index) => line(index, index - 6)),
      line(BOXES - 1, BORDER),
    ],
    below: [],
  };
}
