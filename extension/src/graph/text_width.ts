/**
 * How wide a text is, without a page to measure it on: layout runs in a worker, and the picture
 * must be the same wherever it is made.
 *
 * Widths are those of Helvetica and its likes in thousandths of the font size, a little widened,
 * since the fonts of desktops differ by a few per cent.
 */
const NARROW = "iljtf.,:;|!'`I()[]{}/\\ ";
const WIDE = "mwMW@%";
const NARROW_WIDTH = 0.31;
const WIDE_WIDTH = 0.87;
const UPPER_WIDTH = 0.7;
const OTHER_WIDTH = 0.58;
const FULL_WIDTH = 1.05;
/** Nothing that is drawn is as long; a name may have ten thousand characters. */
const LONGEST = 160;

/** Width in px of the first line of a text at a font size in px. */
export function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const char of text.slice(0, LONGEST)) ems += charWidth(char);
  return ems * fontSize;
}

function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code > 0x2e80) return FULL_WIDTH;
  if (NARROW.includes(char)) return NARROW_WIDTH;
  if (WIDE.includes(char)) return WIDE_WIDTH;
  return code >= 65 && code <= 90 ? UPPER_WIDTH : OTHER_WIDTH;
}
