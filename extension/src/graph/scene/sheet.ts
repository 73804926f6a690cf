import BoundingRect from "zrender/lib/core/BoundingRect.js";
import type Displayable from "zrender/lib/graphic/Displayable.js";
import Path from "zrender/lib/graphic/Path.js";
import TSpan from "zrender/lib/graphic/TSpan.js";
import { roundedPolyline, roundedRect } from "./shapes";
import type { TextFitter } from "./text";

/** How something is painted. Equal ones have to be the same object: what shares one is batched. */
export interface Brush {
  fill?: string;
  stroke?: string;
  /** In screen px, whatever the zoom. */
  width?: number;
  dash?: number[];
  opacity?: number;
}

export interface TextStyle {
  /** Font size, in the sheet's units. */
  size: number;
  bold?: boolean;
  fill: string;
  align?: CanvasTextAlign;
  opacity?: number;
}

/** Letters look too high in the middle of their em box, by this share of it. */
const SINK = 0.06;

type Context = CanvasRenderingContext2D;

/** Knows where it is without drawing itself first, so that zrender leaves out what is off screen. */
abstract class BatchPath extends Path {
  /** Call `see` with points that span it. */
  protected abstract eachPoint(see: (x: number, y: number) => void): void;
  #bounds: BoundingRect | null = null;

  override getBoundingRect(): BoundingRect {
    this.#bounds ??= this.#measured();
    return this.#bounds;
  }

  #measured(): BoundingRect {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    this.eachPoint((x, y) => {
      left = Math.min(left, x);
      top = Math.min(top, y);
      right = Math.max(right, x);
      bottom = Math.max(bottom, y);
    });
    const margin = this.style.lineWidth ?? 0;
    return new BoundingRect(
      left - margin,
      top - margin,
      right - left + 2 * margin,
      bottom - top + 2 * margin,
    );
  }
}

/** Many boxes of one brush; `data` is x, y, width, height, radius, …. */
class BoxPath extends BatchPath {
  override buildPath(context: unknown): void {
    const { data } = this.shape as { data: number[] };
    const target = context as Context;
    for (let i = 0; i < data.length; i += 5) {
      const x = data[i] as number;
      const y = data[i + 1] as number;
      const width = data[i + 2] as number;
      const height = data[i + 3] as number;
      const radius = data[i + 4] as number;
      if (radius > 0) roundedRect(target, x, y, width, height, radius);
      else target.rect(x, y, width, height);
    }
  }

  protected override eachPoint(see: (x: number, y: number) => void): void {
    const { data } = this.shape as { data: number[] };
    for (let i = 0; i < data.length; i += 5) {
      const x = data[i] as number;
      const y = data[i + 1] as number;
      see(x, y);
      see(x + (data[i + 2] as number), y + (data[i + 3] as number));
    }
  }
}

abstract class PointsPath extends BatchPath {
  protected override eachPoint(see: (x: number, y: number) => void): void {
    for (const points of (this.shape as { data: ArrayLike<number>[] }).data) {
      for (let i = 0; i + 1 < points.length; i += 2) {
        see(points[i] as number, points[i + 1] as number);
      }
    }
  }
}

/** Many lines of one brush. */
class LinePath extends PointsPath {
  override buildPath(context: unknown): void {
    const { data, corner } = this.shape as { data: ArrayLike<number>[]; corner: number };
    for (const points of data) roundedPolyline(context as Context, points, corner);
  }
}

/** Many polygons of one brush; filling closes them. */
class PolygonPath extends PointsPath {
  override buildPath(context: unknown): void {
    const { data } = this.shape as { data: ArrayLike<number>[] };
    for (const points of data) roundedPolyline(context as Context, points, 0);
  }
}

/**
 * So many shapes with curves, or without, go into one path.
 *
 * Chromium's time for a path of curves grows faster than its length: 3,000 round boxes took 190 ms
 * as one path, 4 ms in fifties.
 */
const CURVES = 50;
const STRAIGHTS = 250;

interface Plate {
  boxes: number[];
  lines: ArrayLike<number>[];
  polygons: ArrayLike<number>[];
}

/**
 * Collects what is to be drawn, batched by brush, and makes zrender's elements of it.
 *
 * `z` says what lies on what; within one `z` text comes last, the rest in no order.
 */
export class Sheet {
  private readonly plates = new Map<number, Map<Brush, Plate>>();
  private readonly texts = new Map<number, TSpan[]>();

  /**
   * @param fonts Makes CSS fonts of sizes.
   * @param corner Radius of the bends of lines, in the sheet's units.
   */
  constructor(
    private readonly fonts: Pick<TextFitter, "font">,
    private readonly corner = 0,
  ) {}

  box(
    z: number,
    brush: Brush,
    x: number,
    y: number,
    width: number,
    height: number,
    radius = 0,
  ): void {
    this.plate(z, brush).boxes.push(x, y, width, height, radius);
  }

  line(z: number, brush: Brush, points: ArrayLike<number>): void {
    this.plate(z, brush).lines.push(points);
  }

  polygon(z: number, brush: Brush, points: ArrayLike<number>): void {
    this.plate(z, brush).polygons.push(points);
  }

  /** @param y Of the middle of small letters. */
  text(z: number, text: string, x: number, y: number, style: TextStyle): void {
    if (text === "") return;
    const span = new TSpan({
      silent: true,
      style: {
        text,
        x,
        y: y + style.size * SINK,
        font: this.fonts.font(style.size, style.bold),
        fill: style.fill,
        textAlign: style.align ?? "left",
        textBaseline: "middle",
        opacity: style.opacity ?? 1,
      },
    });
    const list = this.texts.get(z);
    if (list === undefined) this.texts.set(z, [span]);
    else list.push(span);
  }

  /** zrender's elements, back to front. */
  elements(): Displayable[] {
    const levels = [...new Set([...this.plates.keys(), ...this.texts.keys()])];
    return levels
      .sort((a, b) => a - b)
      .flatMap((z) => [...this.paths(z), ...(this.texts.get(z) ?? [])]);
  }

  private paths(z: number): Displayable[] {
    const made: Displayable[] = [];
    for (const [brush, plate] of this.plates.get(z) ?? []) {
      const options = { silent: true, culling: true, style: pathStyle(brush) };
      for (const data of chunks(plate.lines, this.corner > 0 ? CURVES : STRAIGHTS)) {
        made.push(new LinePath({ ...options, shape: { data, corner: this.corner } }));
      }
      for (const data of chunks(plate.boxes, 5 * (hasCurves(plate.boxes) ? CURVES : STRAIGHTS))) {
        made.push(new BoxPath({ ...options, shape: { data } }));
      }
      for (const data of chunks(plate.polygons, STRAIGHTS)) {
        made.push(new PolygonPath({ ...options, shape: { data } }));
      }
    }
    return made;
  }

  private plate(z: number, brush: Brush): Plate {
    let level = this.plates.get(z);
    if (level === undefined) {
      level = new Map();
      this.plates.set(z, level);
    }
    let plate = level.get(brush);
    if (plate === undefined) {
      plate = { boxes: [], lines: [], polygons: [] };
      level.set(brush, plate);
    }
    return plate;
  }
}

const pathStyle = ({ fill, stroke, width, dash, opacity }: Brush) => ({
  fill: fill ?? "none",
  stroke: stroke ?? "none",
  lineWidth: stroke === undefined ? 0 : (width ?? 1),
  lineDash: dash ?? (false as const),
  lineJoin: "round" as const,
  opacity: opacity ?? 1,
  strokeNoScale: true,
});

const hasCurves = (boxes: number[]) => boxes.some((value, i) => i % 5 === 4 && value > 0);

function chunks<T>(list: T[], length: number): T[][] {
  if (list.length <= length) return list.length === 0 ? [] : [list];
  const parts: T[][] = [];
  for (let i = 0; i < list.length; i += length) parts.push(list.slice(i, i + length));
  return parts;
}
