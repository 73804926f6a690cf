/** Lines between the halves' borders and what stands above and below the halves. */
import * as sizes from "../sizes";
import type { LaidOut } from "./place";
import type { Box, Line } from "./sheet";

/** Between two lines that run beside each other, and how many such places there are. */
const LANE = 4;
const LANES = 5;

/**
 * @param boxes All boxes, at their places.
 * @param backward The backward half, whose lines run upwards.
 * @param gap Between the halves and what stands above and below them.
 */
export function joiningLines(
  levels: ReadonlyMap<number, LaidOut>,
  root: LaidOut["graph"],
  boxes: readonly Box[],
  backward: number,
  gap: number,
): Line[] {
  const placed = new Map(boxes.map((box) => [box.item, box]));
  return root.lines.map((line, index) => {
    const from = placed.get(root.items[line.from] as number) as Box;
    const to = placed.get(root.items[line.to] as number) as Box;
    const endX = to.x + portX(levels, to, line.toPort, "entryX");
    const middle = from.x + portX(levels, from, line.fromPort, "exitX");
    // A turn of a pixel would look like a mistake.
    const startX = !from.open && Math.abs(middle - endX) < 3 ? endX : middle;
    const startY = from.item === backward ? from.y : from.y + from.height;
    const endY = to.item === backward ? to.y + to.height : to.y;
    const lane = gap / 2 + ((index % LANES) - (LANES - 1) / 2) * LANE;
    // From the inputs to the backward half a line would run through all of the forward one.
    const stub = to.item === backward && from.y < to.y;
    return {
      from: from.item,
      to: to.item,
      edges: line.edges,
      points: stub
        ? stubPoints(startX + from.width / 4, startY, endX, endY)
        : joiningPoints(
            startX,
            startY,
            endX,
            endY,
            from.item === backward,
            to.item === backward,
            lane,
          ),
      stub,
      crossing: false,
    };
  });
}

function stubPoints(startX: number, startY: number, endX: number, endY: number): Float32Array {
  const length = sizes.STUB_LENGTH;
  return Float32Array.of(startX, startY, startX, startY + length, endX, endY + length, endX, endY);
}

function joiningPoints(
  startX: number,
  startY: number,
  endX: number,
  endY: number,
  startUp: boolean,
  endUp: boolean,
  lane: number,
): Float32Array {
  const leave = startY + (startUp ? -lane : lane);
  const arrive = endY + (endUp ? lane : -lane);
  // Down and down, or up and up: one turn in between is enough.
  if (startUp === endUp && (startUp ? leave >= arrive : leave <= arrive)) {
    return Float32Array.of(startX, startY, startX, leave, endX, leave, endX, endY);
  }
  const turn = endUp ? Math.max(leave, arrive) : Math.min(leave, arrive);
  return Float32Array.of(startX, startY, startX, turn, endX, turn, endX, endY);
}

function portX(
  levels: ReadonlyMap<number, LaidOut>,
  box: Box,
  port: number,
  side: "entryX" | "exitX",
): number {
  const places = box.open ? levels.get(-1 - box.item)?.layout[side] : undefined;
  return places?.[port] ?? box.width / 2;
}
