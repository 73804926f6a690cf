import { type Drawing, Z } from "./compose";
import type { Rect } from "./viewport";

/** Size of a badge's text, as a share of the title's. */
const TEXT_SHARE = 0.8;
/** How much wider and higher a badge is than its text is high. */
const SIDES = 0.5;
const HEIGHT = 1.25;
/** How much of a badge lies beyond the right side of its box. */
const BEYOND = 0.4;

/**
 * An overlay's mark on a box's upper right corner, on a ground of its own: there it takes no room
 * from the title.
 *
 * @param titleSize Font size of the box's title, in the world's units.
 */
export function drawBadge(drawing: Drawing, mark: string, rect: Rect, titleSize: number): void {
  const { sheet, look, fitter, opacity } = drawing;
  const size = titleSize * TEXT_SHARE;
  const height = size * HEIGHT;
  const width = Math.max(fitter.width(mark, size, true) + size * SIDES, height);
  const x = rect.x + rect.width - width * (1 - BEYOND);
  const y = rect.y - height * (1 - BEYOND);
  const ground = look.brush({ fill: look.surface, stroke: look.boxLine, width: 0.75, opacity });
  sheet.box(Z.badge, ground, x, y, width, height, height / 3);
  const style = { size, bold: true, fill: look.ink, align: "center" as const, opacity };
  sheet.text(Z.badge + 1, mark, x + width / 2, y + height / 2, style);
}
