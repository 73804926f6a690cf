import type { ItemPaint, Overlay } from "../types";
import { css, inkOn, rgba } from "./contrast";
import type { HeaderBar } from "./headers";
import type { Look } from "./look";
import { twisty } from "./shapes";
import type { Sheet } from "./sheet";
import { shortMark } from "./short_mark";
import type { SceneSource } from "./source";
import type { TextFitter } from "./text";

const PAD = 9;
const RADIUS = 8;
const BAR = 3;
const LEAST_TEXT_PX = 10;
const MOST_TEXT_PX = 15;
const LEAST_TITLE_PX = 8;

export interface HeaderDrawing {
  look: Look;
  fitter: TextFitter;
  source: SceneSource;
  overlay: Overlay | null;
}

/** The headers of open groups, in screen px. */
export function drawHeaders(sheet: Sheet, bars: HeaderBar[], drawing: HeaderDrawing): void {
  bars.forEach((bar, i) => {
    const paint = drawing.overlay?.item(bar.placed.item) ?? null;
    drawHeader(sheet, bar, 3 * i, paint, drawing);
  });
}

function drawHeader(
  sheet: Sheet,
  bar: HeaderBar,
  z: number,
  paint: ItemPaint | null,
  { look, fitter, source }: HeaderDrawing,
): void {
  const { x, y, width, height, placed, stuck, enlarged } = bar;
  const face = source.face(placed.item);
  const fill = look.header;
  const ink = look.ink;
  // Where the picture shows the header itself, lines may pass through it.
  if (stuck || enlarged) {
    const body = look.brush({ fill, stroke: stuck ? look.headerLine : undefined });
    sheet.box(z, body, x + 0.5, y + 0.5, width - 1, height - 1, stuck ? 3 : RADIUS);
  }
  sheet.box(z + 1, look.brush({ fill: look.half[face.half] }), x + 3, y + 4, BAR, height - 8, 1);
  const mid = y + height / 2;
  const size = Math.min(Math.max(height * 0.5, LEAST_TEXT_PX), MOST_TEXT_PX);
  const left = x + PAD + BAR + size;
  const arrow = twisty(x + PAD + BAR + 2, mid, size * 0.75, true);
  sheet.polygon(z + 1, look.brush({ fill: ink }), arrow);
  const whole = x + width - PAD - left;
  const room = whole - (paint === null ? 0 : height);
  const { title, titleSize, solitary } = titleIn(fitter, face.title, size, room, whole);
  const clear = (from: number, length: number) =>
    sheet.box(z, look.brush({ fill }), from - 3, y + 3, length + 6, height - 6);
  clear(left, fitter.width(title, titleSize, true));
  sheet.text(z + 2, title, left, mid, { size: titleSize, bold: true, fill: ink });
  if (solitary) return;
  const used = fitter.width(title, titleSize, true) + 10;
  const small = size * 0.86;
  let end = x + width - PAD;
  if (paint !== null) end = drawChip(sheet, bar, z, paint, small, look, fitter, left + used);
  const style = { size: small, fill: look.muted };
  const count = fitter.width(face.note, small);
  const rest = end - left - used - count;
  if (rest < 0) return;
  clear(end - count, count);
  sheet.text(z + 2, face.note, end, mid, { ...style, align: "right" });
  const module = face.kind === "module" ? (source.module(placed.item) ?? "") : "";
  if (module === face.title) return;
  const more = fitter.fit(module, small, rest - 12, false, "ends");
  sheet.text(z + 2, more, left + used, mid, style);
}

/**
 * A header's name beside what else stands in it, or alone where it would be cut for that.
 *
 * @param room Beside an overlay's colour; `whole` without it.
 */
function titleIn(fitter: TextFitter, name: string, size: number, room: number, whole: number) {
  const fitted = (width: number) => {
    const titleSize = fitter.shrunk(name, size, width, true, LEAST_TITLE_PX);
    return { titleSize, title: fitter.fit(name, titleSize, width, true) };
  };
  const [beside, alone] = [fitted(room), fitted(whole)];
  // A name is worth more than a colour that what is inside has too.
  const solitary = beside.title === "" || (beside.title !== name && alone.title === name);
  return { ...(solitary ? alone : beside), solitary };
}

/**
 * An overlay's colour and mark at the right of a header; the header itself stays quiet, since what
 * is in the group shows its own colours.
 *
 * @returns Where the chip begins.
 */
function drawChip(
  sheet: Sheet,
  { x, y, width, height }: HeaderBar,
  z: number,
  paint: ItemPaint,
  size: number,
  look: Look,
  fitter: TextFitter,
  from: number,
): number {
  const fill = css(rgba(paint.fill));
  const end = x + width - 4;
  const mark = shortMark(paint.mark, (text) => fitter.width(text, size) <= end - from - 10);
  const length = Math.max(fitter.width(mark, size) + 10, height - 8);
  const left = end - length;
  sheet.box(z + 1, look.brush({ fill }), left, y + 3, length, height - 6, 3);
  const style = { size, fill: inkOn(fill, look.ink), align: "center" as const };
  sheet.text(z + 2, mark, left + length / 2, y + height / 2, style);
  return left - 8;
}
