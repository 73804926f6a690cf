/** What canvases and zrender's path recorder have in common. */
type Pen = Pick<
  CanvasRenderingContext2D,
  "moveTo" | "lineTo" | "quadraticCurveTo" | "bezierCurveTo"
>;

/** How far a Bézier's handles are from the ends of a quarter circle of radius 1. */
const HANDLE = 0.5523;

/**
 * A rectangle with round corners, the radius cut to what fits.
 *
 * It ends where it begins and is not closed: Chromium's `closePath` takes the longer the more is in
 * the path already.
 */
export function roundedRect(
  pen: Pen,
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number,
): void {
  const r = Math.min(radius, width / 2, height / 2);
  const h = r * (1 - HANDLE);
  const right = x + width;
  const bottom = y + height;
  pen.moveTo(x + r, y);
  pen.lineTo(right - r, y);
  pen.bezierCurveTo(right - h, y, right, y + h, right, y + r);
  pen.lineTo(right, bottom - r);
  pen.bezierCurveTo(right, bottom - h, right - h, bottom, right - r, bottom);
  pen.lineTo(x + r, bottom);
  pen.bezierCurveTo(x + h, bottom, x, bottom - h, x, bottom - r);
  pen.lineTo(x, y + r);
  pen.bezierCurveTo(x, y + h, x + h, y, x + r, y);
}

/** A line through points (x, y, x, y, …) whose bends are round. */
export function roundedPolyline(pen: Pen, points: ArrayLike<number>, radius: number): void {
  const count = points.length >> 1;
  if (count < 2) return;
  pen.moveTo(points[0] as number, points[1] as number);
  for (let i = 1; i < count - 1; i++) {
    const x = points[2 * i] as number;
    const y = points[2 * i + 1] as number;
    if (radius > 0) bend(pen, points, i, x, y, radius);
    else pen.lineTo(x, y);
  }
  pen.lineTo(points[2 * count - 2] as number, points[2 * count - 1] as number);
}

function bend(
  pen: Pen,
  points: ArrayLike<number>,
  i: number,
  x: number,
  y: number,
  radius: number,
): void {
  const [ax, ay, a] = away(x, y, points[2 * i - 2] as number, points[2 * i - 1] as number, radius);
  const [bx, by, b] = away(x, y, points[2 * i + 2] as number, points[2 * i + 3] as number, radius);
  if (a === 0 || b === 0) {
    pen.lineTo(x, y);
    return;
  }
  pen.lineTo(ax, ay);
  pen.quadraticCurveTo(x, y, bx, by);
}

/** The point towards a neighbour, at most half-way; and how far that is. */
function away(
  x: number,
  y: number,
  toX: number,
  toY: number,
  radius: number,
): [number, number, number] {
  const length = Math.hypot(toX - x, toY - y);
  if (length === 0) return [x, y, 0];
  const step = Math.min(radius, length / 2);
  return [x + ((toX - x) / length) * step, y + ((toY - y) / length) * step, step];
}

/** A triangle whose tip is the end of a line: x, y, x, y, x, y; null where the line has no length. */
export function arrowHead(points: ArrayLike<number>, size: number): number[] | null {
  const last = points.length - 2;
  const x = points[last] as number;
  const y = points[last + 1] as number;
  for (let i = last - 2; i >= 0; i -= 2) {
    const dx = x - (points[i] as number);
    const dy = y - (points[i + 1] as number);
    const length = Math.hypot(dx, dy);
    if (length < 0.01) continue;
    const [ux, uy] = [(dx / length) * size, (dy / length) * size];
    return [x, y, x - ux - uy * 0.5, y - uy + ux * 0.5, x - ux + uy * 0.5, y - uy - ux * 0.5];
  }
  return null;
}

/** A twisty as a triangle, pointing right when closed and down when open. */
export function twisty(x: number, y: number, size: number, open: boolean): number[] {
  const half = size / 2;
  return open
    ? [x - half, y - half * 0.6, x + half, y - half * 0.6, x, y + half * 0.7]
    : [x - half * 0.6, y - half, x + half * 0.7, y, x - half * 0.6, y + half];
}
