import type { Overlay } from "../types";
import { inkOn } from "./contrast";
import type { HeaderBar } from "./headers";
import type { Look } from "./look";
import { twisty } from "./shapes";
import type { Sheet } from "./sheet";
import type { SceneSource } from "./source";
import type { TextFitter } from "./text";

const PAD = 9;
const RADIUS = 8;
const BAR = 3;

/** The headers of open groups, in screen px. */
export function drawHeaders(
  sheet: Sheet,
  bars: HeaderBar[],
  { look, fitter, source, overlay }: HeaderDrawing,
): void {
  bars.forEach((bar, i) => {
    const z = 10 * i;
    const { x, y, width, height, placed, stuck } = bar;
    const face = source.face(placed.item);
    const paint = overlay?.item(placed.item) ?? null;
    const fill = paint?.fill ?? look.header;
    const ink = inkOn(fill, look.ink);
    const quiet = paint === null ? look.muted : ink;
    const body = look.brush({ fill, stroke: stuck ? look.headerLine : undefined });
    sheet.box(z, body, x + 0.5, y + 0.5, width - 1, height - 1, stuck ? 3 : RADIUS);
    sheet.box(z + 1, look.brush({ fill: look.half[face.half] }), x + 3, y + 4, BAR, height - 8, 1);
    const mid = y + height / 2;
    const size = Math.min(Math.max(height * 0.46, 10), 15);
    const left = x + PAD + BAR + size;
    sheet.polygon(
      z + 1,
      look.brush({ fill: ink }),
      twisty(x + PAD + BAR + 2, mid, size * 0.75, true),
    );
    const count = [paint?.mark ?? "", face.note].filter((part) => part !== "").join(" · ");
    const room = x + width - PAD - left;
    const title = fitter.fit(face.title, size, room, true);
    const used = fitter.width(title, size, true) + 10;
    sheet.text(z + 2, title, left, mid, { font: fitter.font(size, true), fill: ink });
    const small = size * 0.86;
    const rest = room - used;
    if (fitter.width(count, small) > rest) return;
    sheet.text(z + 2, count, x + width - PAD, mid, {
      font: fitter.font(small),
      fill: quiet,
      align: "right",
    });
    const more = fitter.fit(
      source.module(placed.item) ?? "",
      small,
      rest - fitter.width(count, small) - 12,
      false,
      "ends",
    );
    sheet.text(z + 2, more, left + used, mid, { font: fitter.font(small), fill: quiet });
  });
}

export interface HeaderDrawing {
  look: Look;
  fitter: TextFitter;
  source: SceneSource;
  overlay: Overlay | null;
}
