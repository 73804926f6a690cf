import type { PlacedEdge } from "../types";
import { type Drawing, Z } from "./compose";
import { pieces } from "./lines";
import { MIN_TEXT_PX, STUB_NAME_ZOOM } from "./lod";

const NAME_PX = 9.5;
const MOST_ROOM = 150;
const LEAST_ROOM = 20;
const GAP = 4;
/** Names whose middles differ by less than this stand in one row. */
const ROW = 9;

interface Name {
  x: number;
  y: number;
  text: string;
  fill: string;
}

/** At each end of the stubs the other end's name; where there is no room for it, none. */
export function drawStubNames(drawing: Drawing, stubs: readonly PlacedEdge[]): void {
  const { sheet, fitter, zoom, opacity } = drawing;
  if (zoom < STUB_NAME_ZOOM || NAME_PX * zoom < MIN_TEXT_PX - 1) return;
  const names = stubs.flatMap((edge) => namesOf(drawing, edge));
  for (const { name, side, room } of placeNames(names)) {
    const { x, y, text, fill } = name;
    const fit = fitter.fit(text, NAME_PX, room, false, "ends");
    const away = side === "right" ? GAP : -GAP;
    sheet.text(Z.text, fit, x + away, y, {
      size: NAME_PX,
      fill,
      opacity,
      align: side === "right" ? "left" : "right",
    });
  }
}

function namesOf({ at, look, source }: Drawing, edge: PlacedEdge): Name[] {
  const [first, last] = pieces(edge, at);
  if (first === undefined || last === undefined) return [];
  const fill = edge.crossing ? look.crossing : look.muted;
  const [x0 = 0, y0 = 0] = first.slice(-2);
  const [x1 = 0, y1 = 0] = last;
  return [
    { x: x0, y: y0 - 1, text: `→ ${source.face(edge.to).title}`, fill },
    { x: x1, y: y1 + 1, text: `${source.face(edge.from).title} →`, fill },
  ];
}

/** A name, the side of its line it stands on, and how much room there is. */
export interface Placed<T> {
  name: T;
  side: "left" | "right";
  room: number;
}

/** Names stand right of their lines; left where the next line is too near, and room is there. */
export function placeNames<T extends { x: number; y: number }>(names: readonly T[]): Placed<T>[] {
  const row = ({ y }: T) => Math.round(y / ROW);
  const sorted = [...names].sort((a, b) => row(a) - row(b) || a.x - b.x);
  const placed: Placed<T>[] = [];
  let taken = Number.NEGATIVE_INFINITY;
  sorted.forEach((name, i) => {
    const [last, next] = [sorted[i - 1], sorted[i + 1]];
    if (last === undefined || row(last) !== row(name)) taken = Number.NEGATIVE_INFINITY;
    const beside = next !== undefined && row(next) === row(name);
    const right = beside ? next.x - name.x - 2 * GAP : MOST_ROOM;
    const left = name.x - taken - 3 * GAP;
    const side = right >= LEAST_ROOM || left < right ? "right" : "left";
    const room = Math.min(side === "right" ? right : left, MOST_ROOM);
    taken = side === "right" ? name.x + Math.max(room, 0) : name.x;
    if (room >= LEAST_ROOM) placed.push({ name, side, room });
  });
  return placed;
}
