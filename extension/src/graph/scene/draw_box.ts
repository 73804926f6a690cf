import * as sizes from "../sizes";
import { type ItemId, type ItemPaint, isGroup } from "../types";
import { type Drawing, Z } from "./compose";
import { css, mix, rgba } from "./contrast";
import { drawText } from "./draw_text";
import { detailOf } from "./lod";
import type { Brush } from "./sheet";
import type { Face } from "./source";
import type { Rect } from "./viewport";

const RADIUS = 5;
const GROUP_RADIUS = 7;
/** The strip of colour at the left that tells the half. */
const BAR = 3;
/** How far the cards of a repeat lie behind each other. */
const CARD_STEP = 3;
/** Boxes lower than this on screen have square corners and no side colour of their own. */
const SQUARE_PX = 11;
/** Boxes narrower than this on screen have no strip of colour. */
const BARRED_PX = 16;
/** Size of a node's second line. */
export const NODE_NOTE_FONT = 8.5;

/** A node, or a closed group. */
export function drawBox(drawing: Drawing, item: ItemId, rect: Rect): void {
  const { zoom, overlay } = drawing;
  const face = drawing.source.face(item);
  const paint = overlay?.item(item) ?? null;
  const noteFont = isGroup(item) ? sizes.GROUP_NOTE_FONT : NODE_NOTE_FONT;
  const detail = detailOf(rect.width * zoom, rect.height * zoom, noteFont * zoom);
  if (detail === "speck") {
    drawSpeck(drawing, face, paint, rect);
    return;
  }
  drawBody(drawing, item, face, paint, rect, detail === "block");
  if (detail !== "block") drawText(drawing, item, face, paint, rect, detail === "full");
}

function drawSpeck(
  { sheet, look, zoom, opacity }: Drawing,
  face: Face,
  paint: ItemPaint | null,
  { x, y, width, height }: Rect,
): void {
  const least = 1 / zoom;
  const fill = paint === null ? look.far[face.half] : css(rgba(paint.fill));
  const brush = look.brush({ fill, opacity });
  sheet.box(Z.box, brush, x, y, Math.max(width, least), Math.max(height, least));
}

function drawBody(
  drawing: Drawing,
  item: ItemId,
  face: Face,
  paint: ItemPaint | null,
  { x, y, width, height }: Rect,
  plain: boolean,
): void {
  const { sheet, look, zoom, opacity } = drawing;
  const brush = bodyBrush(drawing, item, face, paint, plain);
  const pill = face.kind === "input" || face.kind === "output";
  const square = height * zoom < SQUARE_PX;
  const round = pill ? height / 2 : isGroup(item) ? GROUP_RADIUS : RADIUS;
  const radius = square ? 0 : round;
  if (face.kind === "repeat" && !square) {
    sheet.box(Z.card, brush, x + 2 * CARD_STEP, y + 2 * CARD_STEP, width, height, radius);
    sheet.box(Z.card + 1, brush, x + CARD_STEP, y + CARD_STEP, width, height, radius);
  }
  sheet.box(Z.box, brush, x, y, width, height, radius);
  if (pill || width * zoom < BARRED_PX) return;
  const inset = square ? 0 : 3;
  const bar = (fill: string, at: number) =>
    sheet.box(
      Z.bar,
      look.brush({ fill, opacity }),
      at,
      y + inset,
      BAR,
      height - 2 * inset,
      square ? 0 : 1.5,
    );
  if (face.kind === "joint") {
    bar(look.half.forward, x + 2);
    bar(look.half.backward, x + width - BAR - 2);
  } else bar(look.half[face.half], x + (square ? 0 : 2.5));
}

function bodyBrush(
  drawing: Drawing,
  item: ItemId,
  face: Face,
  paint: ItemPaint | null,
  plain: boolean,
): Brush {
  const { look, zoom, opacity } = drawing;
  const joint = face.kind === "joint";
  return look.brush({
    fill: paint === null ? ownFill(drawing, item, face, plain) : css(rgba(paint.fill)),
    stroke: joint ? look.muted : look.boxLine,
    width: joint ? 2 * Math.min(Math.max(zoom, 0.5), 1) : plain ? 0.5 : 1,
    dash: face.kind === "subgraph" ? [4, 3] : undefined,
    opacity,
  });
}

function ownFill({ look, zoom }: Drawing, item: ItemId, { kind, half }: Face, plain: boolean) {
  if (kind === "joint" || kind === "input" || kind === "output") return look.pill;
  if (isGroup(item)) return look.groupBox[half];
  return plain ? mix(look.near[half], look.far[half], blockShare(zoom)) : look.near[half];
}

/** Boxes take on their half's colour as their text goes. */
const blockShare = (zoom: number) => Math.min(Math.max((0.5 - zoom) / 0.3, 0), 1);
