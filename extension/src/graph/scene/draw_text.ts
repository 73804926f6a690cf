import * as sizes from "../sizes";
import { type ItemId, type ItemPaint, isGroup } from "../types";
import { drawBadge } from "./badge";
import { type Drawing, Z } from "./compose";
import { inkOn } from "./contrast";
import { soloTitlePx } from "./lod";
import { twisty } from "./shapes";
import { isShortMark, leftOut, tinyMark } from "./short_mark";
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
/** What two lines leave free at the sides. */
const PAIR_SIDES = 12;
const TWISTY = 8;
/** A note may be a little wider than there is room; it is then written smaller. */
const NOTE_SHRINKS = 1.2;
/** Size of a mark beside a title, and what is left free between them, in shares of the title's. */
const MARK_SHARE = 0.78;
const MARK_GAP = 0.25;

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
  else if (pill) {
    writeSolo(drawing, face.title, "", rect, PILL, ink);
  } else {
    const mark = paint?.mark ?? "";
    const beside = isShortMark(mark);
    const note = full
      ? nodeNote(drawing, item, beside ? "" : mark, face.title, rect.width - PAIR_SIDES)
      : "";
    if (note !== "") writePair(drawing, face.title, note, beside ? mark : "", rect, ink, quiet);
    else writeSolo(drawing, face.title, mark, rect, face.kind === "joint" ? JOINT : NODE, ink);
  }
}

/** The mark; and, near by, the end of the node's name, which tells it from others of its kind. */
function nodeNote(
  { source, fitter, zoom }: Drawing,
  item: ItemId,
  mark: string,
  title: string,
  room: number,
): string {
  const name = zoom >= NAME_ZOOM ? (source.name(item).split("/").at(-1) ?? "") : "";
  const both = [mark, name === title ? "" : name].filter((part) => part !== "").join(" · ");
  return mark === "" || fitter.width(both, NODE_NOTE_FONT) <= room ? both : mark;
}

/** How a title that stands alone is written; the sides of its box are in the world's units. */
interface SoloStyle {
  font: number;
  bold: boolean;
  left: number;
  right: number;
}

const PILL: SoloStyle = { font: sizes.PILL_FONT, bold: false, left: 4, right: 4 };
/** Colour at the left; at a joint also at the right. */
const NODE: SoloStyle = { font: sizes.NODE_FONT, bold: false, left: 7, right: 2.5 };
const JOINT: SoloStyle = { ...NODE, right: 7 };
const GROUP: SoloStyle = { ...NODE, font: sizes.GROUP_FONT, bold: true };

/**
 * One line in the middle, as large as can be read, and the mark's signs at the right; where the
 * line would be cut for them, on the corner.
 */
function writeSolo(
  drawing: Drawing,
  text: string,
  mark: string,
  rect: Rect,
  style: SoloStyle,
  ink: string,
): void {
  const { fitter, zoom } = drawing;
  const readable = soloTitlePx(rect.height * zoom, style.font * zoom) / zoom;
  const pad = LEAST_PADDING_PX / zoom;
  const left = Math.max(style.left, pad);
  const right = Math.max(style.right, pad);
  const fitted = (aside: number) => {
    const room = rect.width - left - right - aside;
    const size = fitter.shrunk(text, readable, room, style.bold, LEAST_TEXT_PX / zoom);
    return { aside, size, fit: fitter.fit(text, size, room, style.bold) };
  };
  const signs = tinyMark(mark);
  const beside = fitted(markWidth(drawing, signs, readable));
  const fits = signs !== "" && beside.fit === text;
  const { aside, size, fit } = fits ? beside : fitted(0);
  const half = fitter.width(fit, size, style.bold) / 2;
  const centre = Math.max(Math.min(rect.width / 2, rect.width - right - aside - half), left + half);
  const middle = rect.y + rect.height / 2;
  const { bold } = style;
  const { sheet, opacity } = drawing;
  const title = { size, bold, fill: ink, align: "center" as const, opacity };
  sheet.text(Z.text, fit, rect.x + centre, middle, title);
  if (fits) writeMark(drawing, signs, rect.x + rect.width - right, middle, readable, ink);
  const corner = `${leftOut(mark)}${fits ? "" : signs}`;
  if (corner !== "") drawBadge(drawing, corner, rect, readable);
}

/** How much room a mark beside a title takes, with the space before it. */
function markWidth({ fitter }: Drawing, mark: string, titleSize: number): number {
  if (mark === "") return 0;
  return fitter.width(mark, titleSize * MARK_SHARE, true) + MARK_GAP * titleSize;
}

function writeMark(
  { sheet, opacity }: Drawing,
  mark: string,
  right: number,
  middle: number,
  titleSize: number,
  ink: string,
): void {
  if (mark === "") return;
  const size = titleSize * MARK_SHARE;
  sheet.text(Z.text, mark, right, middle, { size, bold: true, fill: ink, align: "right", opacity });
}

/** A node's title with a short mark, and its long mark or name below. */
function writePair(
  drawing: Drawing,
  title: string,
  note: string,
  mark: string,
  rect: Rect,
  ink: string,
  quiet: string,
): void {
  const { sheet, fitter, opacity } = drawing;
  const { x, y, width, height } = rect;
  const room = width - PAIR_SIDES;
  const middle = y + height / 2;
  const style = { align: "center" as const, opacity };
  const wanted = markWidth(drawing, mark, UPPER_FONT);
  const taken = fitter.width(title, UPPER_FONT) <= room - wanted ? wanted : 0;
  if (taken > 0) writeMark(drawing, mark, x + width - 4, middle - 5, UPPER_FONT, ink);
  else if (mark !== "") drawBadge(drawing, mark, rect, UPPER_FONT);
  const fit = fitter.fit(title, UPPER_FONT, room - taken);
  const upper = { ...style, size: UPPER_FONT, fill: ink };
  sheet.text(Z.text, fit, x + (width - taken) / 2, middle - 5, upper);
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
    writeSolo(drawing, title, mark, rect, GROUP, ink);
    return;
  }
  const middle = rect.y + rect.height / 2;
  const left = rect.x + sizes.GROUP_PADDING + sizes.TWISTY_WIDTH;
  const room = rect.x + rect.width - sizes.GROUP_PADDING / 2 - left;
  const arrow = twisty(rect.x + sizes.GROUP_PADDING + 4, middle, TWISTY, false);
  sheet.polygon(Z.bar, look.brush({ fill: ink, opacity }), arrow);
  const write = (text: string, font: number, bold: boolean, at: number, fill: string) => {
    const size = fitter.shrunk(text, font, room, bold, 0);
    const fit = fitter.fit(text, size, room, bold, bold ? "ends" : "start");
    sheet.text(Z.text, fit, left, at, { size, bold, fill, opacity });
  };
  write(title, sizes.GROUP_FONT, true, middle - 8, ink);
  const both = [mark, note].filter((part) => part !== "").join(" · ");
  const fits = fitter.width(both, sizes.GROUP_NOTE_FONT) <= room * NOTE_SHRINKS;
  write(fits || mark === "" ? both : mark, sizes.GROUP_NOTE_FONT, false, middle + 9, quiet);
}
