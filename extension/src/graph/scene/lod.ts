/**
 * How much of a box is drawn.
 *
 * `speck` is a dot of colour, `block` a coloured rectangle, `title` has one line of text, `full`
 * everything.
 */
export type Detail = "speck" | "block" | "title" | "full";

/** No text is drawn smaller than this, in screen px. */
export const MIN_TEXT_PX = 8;
/** A single line of text may take this much of a box's height. */
const LINE_SHARE = 0.62;
const SPECK_PX = 4;
const LEAST_TITLE_WIDTH_PX = 20;

/**
 * @param width Of the box on screen, in px, as is `height`.
 * @param notePx Size of the second line of text, on screen.
 */
export function detailOf(width: number, height: number, notePx: number): Detail {
  if (Math.max(width, height) < SPECK_PX || height < 1.5) return "speck";
  if (height * LINE_SHARE < MIN_TEXT_PX || width < LEAST_TITLE_WIDTH_PX) return "block";
  return notePx < MIN_TEXT_PX ? "title" : "full";
}

/**
 * Font size of a title that stands alone in a box: as in life, but readable as long as it fits.
 *
 * @param height Of the box on screen, in px, as is `fontPx`.
 */
export const soloTitlePx = (height: number, fontPx: number) =>
  Math.max(fontPx, Math.min(height * LINE_SHARE, 11));

/**
 * The zoom that level of detail is chosen for: steps of a quarter of an octave, so that a picture
 * is composed anew only now and then while one zooms, and looks the same from either side.
 */
export const zoomStep = (zoom: number) => 2 ** (Math.round(Math.log2(zoom) * 4) / 4);

/** Whether a line is worth drawing: what is shorter is hidden by the boxes it joins. */
export const lineShows = (width: number, height: number, zoom: number) =>
  Math.max(width, height) * zoom >= 1.5;

/** Heads on arrows are drawn from this zoom on. */
export const ARROW_ZOOM = 0.22;
/** Names of stubs are drawn from this zoom on. */
export const STUB_NAME_ZOOM = 0.8;
/** Bends are round from this zoom on. */
export const BEND_ZOOM = 0.3;

/** Lines fade when the picture is so small that they would cover it. */
export const lineOpacity = (zoom: number) => Math.min(1, 0.35 + zoom * 1.3);
