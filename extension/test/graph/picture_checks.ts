/** What must hold for every picture. */
import { HEADER_HEIGHT, STUB_LENGTH } from "../../src/graph/sizes";
import type { GraphStructure } from "../../src/graph/structure";
import type { Picture, PlacedEdge, PlacedItem } from "../../src/graph/types";

/** Half a pixel: places are float32. */
const SLACK = 0.6;

/** All that is wrong with a picture, in sentences; empty for a good one. */
export function faultsOf(
  structure: GraphStructure,
  picture: Picture,
  open: ReadonlySet<number>,
): string[] {
  const boxes = new Map(picture.items.map((box) => [box.item, box]));
  return [
    ...boxFaults(structure, picture, boxes),
    ...overlapFaults(structure, picture),
    ...missingFaults(structure, boxes, open),
    ...picture.edges.flatMap((edge) => edgeFaults(edge, boxes)),
    ...lostEdges(structure, picture, open),
  ];
}

function boxFaults(
  structure: GraphStructure,
  picture: Picture,
  boxes: ReadonlyMap<number, PlacedItem>,
): string[] {
  const faults: string[] = [];
  for (const box of picture.items) {
    const parent = structure.parentOf(box.item);
    const around =
      parent < 0
        ? { x: 0, y: 0, width: picture.width, height: picture.height }
        : (boxes.get(-1 - parent) as PlacedItem);
    const header = parent < 0 ? 0 : HEADER_HEIGHT;
    const isInside =
      box.x >= around.x - SLACK &&
      box.y >= around.y + header - SLACK &&
      box.x + box.width <= around.x + around.width + SLACK &&
      box.y + box.height <= around.y + around.height + SLACK;
    if (!isInside) faults.push(`${box.item} is not inside of ${parent}`);
    const depth = parent < 0 ? 0 : structure.groupPath(parent).length;
    if (box.depth !== depth) faults.push(`${box.item} has depth ${box.depth}, not ${depth}`);
  }
  return faults;
}

function overlapFaults(structure: GraphStructure, picture: Picture): string[] {
  const siblings = new Map<number, PlacedItem[]>();
  for (const box of picture.items) {
    const parent = structure.parentOf(box.item);
    siblings.set(parent, [...(siblings.get(parent) ?? []), box]);
  }
  const faults: string[] = [];
  for (const boxes of siblings.values()) {
    boxes.forEach((one, index) => {
      for (const other of boxes.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x + SLACK ||
          other.x + other.width <= one.x + SLACK ||
          one.y + one.height <= other.y + SLACK ||
          other.y + other.height <= one.y + SLACK;
        if (!apart) faults.push(`${one.item} and ${other.item} overlap`);
      }
    });
  }
  return faults;
}

function missingFaults(
  structure: GraphStructure,
  boxes: ReadonlyMap<number, PlacedItem>,
  open: ReadonlySet<number>,
): string[] {
  const faults: string[] = [];
  for (let node = 0; node < structure.nodeCount; node += 1) {
    const item = structure.visibleItem(node, open);
    if (!boxes.has(item)) faults.push(`node ${node} has no box ${item}`);
  }
  return faults;
}

function edgeFaults(edge: PlacedEdge, boxes: ReadonlyMap<number, PlacedItem>): string[] {
  const { points } = edge;
  const name = `line ${edge.from} to ${edge.to}`;
  if (edge.shape === "stub" && points.length !== 8) return [`${name}: a stub has 4 points`];
  if (edge.shape === "stub" && !isShort(points)) return [`${name}: an end is too long for a stub`];
  if (points.some((at) => !Number.isFinite(at))) return [`${name}: a place is no number`];
  if (edge.edges.length === 0) return [`${name} stands for no edge`];
  const ends: [number, number, number][] = [
    [edge.from, points[0] as number, points[1] as number],
    [edge.to, points[points.length - 2] as number, points[points.length - 1] as number],
  ];
  return ends.flatMap(([item, x, y]) => {
    const box = boxes.get(item);
    if (box === undefined) return [`${name}: there is no ${item}`];
    return isAtBorder(box, x, y) ? [] : [`${name}: an end is not at the border of ${item}`];
  });
}

function isShort(points: Float32Array): boolean {
  const [, first = 0, , second = 0, , third = 0, , fourth = 0] = points;
  const limit = STUB_LENGTH + SLACK;
  return Math.abs(second - first) <= limit && Math.abs(fourth - third) <= limit;
}

/** At an edge, or, in an open group, at the lower edge of its header. */
function isAtBorder(box: PlacedItem, x: number, y: number): boolean {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= SLACK;
  const within =
    x >= box.x - SLACK &&
    x <= box.x + box.width + SLACK &&
    y >= box.y - SLACK &&
    y <= box.y + box.height + SLACK;
  const edges = [box.y, box.y + box.height, ...(box.open ? [box.y + HEADER_HEIGHT] : [])];
  const sides = [box.x, box.x + box.width];
  return within && (edges.some((edge) => near(y, edge)) || sides.some((side) => near(x, side)));
}

/** Edges between different boxes that no line stands for. */
function lostEdges(
  structure: GraphStructure,
  picture: Picture,
  open: ReadonlySet<number>,
): string[] {
  const drawn = new Set(picture.edges.flatMap((edge) => [...edge.edges]));
  const faults: string[] = [];
  for (let edge = 0; edge < structure.edgeCount; edge += 1) {
    const from = structure.visibleItem(
      structure.producer(structure.edgeValue[edge] as number),
      open,
    );
    const to = structure.visibleItem(structure.edgeTo[edge] as number, open);
    if (drawn.has(edge) === (from === to && from < 0)) {
      faults.push(`edge ${edge} is ${drawn.has(edge) ? "" : "not "}drawn`);
    }
  }
  return faults;
}
