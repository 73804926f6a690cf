import * as sizes from "../sizes";
import { type ItemId, type ItemPaint, isGroup } from "../types";
import { type Drawing, Z } from "./compose";
import { inkOn } from "./contrast";
import { soloTitlePx } from "./lod";
import { twisty } from "./shapes";
import type { Face } from "./source";
import type { Rect } from "./viewport";

/** Size of a node's title when there is a second line below it. */
const UPPER_FONT = 11;
const NODE_NOTE_FONT = 8.5;
/** Names of nodes are shown from this zoom on. */
const NAME_ZOOM = 1.35;
/** A title that stands alone may come this close to the sides, in screen px. */
const LEAST_PADDING_PX = 2.5;
/** Text that is a little too wide for its box may become as small as this, in screen px. */
const LEAST_TEXT_PX = 6.4;
const TWISTY = 8;

/**
 * What is written on a box.
 *
 * @param full Whether there is room for a second line.
 */
export function drawText(
  drawing: Drawing,
  item: ItemId,
  face: Face,
  paint: ItemPaint | null,
  rect: Rect,
  full: boolean,
): void {
  const ink = paint === null ? drawing.look.ink : inkOn(paint.fill, drawing.look.ink);
  const quiet = paint === null ? drawing.look.muted : ink;
  const pill = face.kind === "input" || face.kind === "output";
  if (isGroup(item)) drawGroupText(drawing, face, paint?.mark ?? "", rect, full, ink, quiet);
  else if (pill)
    writeSolo(drawing, face.title, rect, sizes.PILL_FONT, sizes.PILL_PADDING, ink, false);
  else {
    const note = full ? nodeNote(drawing, item, paint) : "";
    if (note === "")
      writeSolo(drawing, face.title, rect, sizes.NODE_FONT, sizes.NODE_PADDING, ink, false);
    else writePair(drawing, face.title, note, rect, ink, quiet);
  }
}

function nodeNote({ source, zoom }: Drawing, item: ItemId, paint: ItemPaint | null): string {
  const name = zoom >= NAME_ZOOM ? source.name(item) : "";
  return [paint?.mark ?? "", name].filter((part) => part !== "").join(" · ");
}

/** One line in the middle, as large as can be read. */
function writeSolo(
  { sheet, fitter, zoom, opacity }: Drawing,
  text: string,
  { x, y, width, height }: Rect,
  font: number,
  padding: number,
  ink: string,
  bold: boolean,
): void {
  const readable = soloTitlePx(height * zoom, font * zoom) / zoom;
  const pad = Math.min(padding, Math.max(LEAST_PADDING_PX / zoom, 0));
  const room = width - 2 * pad;
  const size = fitter.shrunk(text, readable, room, bold, LEAST_TEXT_PX / zoom);
  const fit = fitter.fit(text, size, room, bold);
  sheet.text(Z.text, fit, x + width / 2, y + height / 2, {
    size,
    bold,
    fill: ink,
    align: "center",
    opacity,
  });
}

/** A node's title, and its mark or name below. */
function writePair(
  { sheet, fitter, opacity }: Drawing,
  title: string,
  note: string,
  { x, y, width, height }: Rect,
  ink: string,
  quiet: string,
): void {
  const room = width - 12;
  const middle = y + height / 2;
  const style = { align: "center" as const, opacity };
  sheet.text(Z.text, fitter.fit(title, UPPER_FONT, room), x + width / 2, middle - 5, {
    ...style,
    size: UPPER_FONT,
    fill: ink,
  });
  const below = fitter.fit(note, NODE_NOTE_FONT, room, false, "ends");
  sheet.text(Z.text, below, x + width / 2, middle + 6.5, {
    ...style,
    size: NODE_NOTE_FONT,
    fill: quiet,
  });
}

function drawGroupText(
  drawing: Drawing,
  { title, note }: Face,
  mark: string,
  rect: Rect,
  full: boolean,
  ink: string,
  quiet: string,
): void {
  const { sheet, look, fitter, opacity } = drawing;
  if (!full) {
    writeSolo(drawing, title, rect, sizes.GROUP_FONT, sizes.GROUP_PADDING, ink, true);
    return;
  }
  const middle = rect.y + rect.height / 2;
  const left = rect.x + sizes.GROUP_PADDING + sizes.TWISTY_WIDTH;
  const room = rect.x + rect.width - sizes.GROUP_PADDING / 2 - left;
  const arrow = twisty(rect.x + sizes.GROUP_PADDING + 4, middle, TWISTY, false);
  sheet.polygon(Z.bar, look.brush({ fill: ink, opacity }), arrow);
  const write = (text: string, font: number, bold: boolean, at: number, fill: string) => {
    const size = fitter.shrunk(text, font, room, bold, 0);
    const fit = fitter.fit(text, size, room, bold, "ends");
    sheet.text(Z.text, fit, left, at, { size, bold, fill, opacity });
  };
  write(title, sizes.GROUP_FONT, true, middle - 8, ink);
  const below = [mark, note].filter((part) => part !== "").join(" · ");
  write(below, sizes.GROUP_NOTE_FONT, false, middle + 9, quiet);
}
