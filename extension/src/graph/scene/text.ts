import { platformApi } from "zrender/lib/core/platform.js";

/** Widths are measured at this size; text is assumed to grow evenly. */
const MEASURED_PX = 12;
/** Fonts differ in width; what is a little too wide is written smaller rather than cut. */
const MOST_SHRUNK = 0.76;
const HOPELESS = 0.5;
/** A text that was made to fit must not be cut for the last digit. */
const ROUNDING = 1e-3;
/** No box has room for more. */
const MAX_CHARACTERS = 300;

/** Measures text in one family, and cuts it to what fits. */
export class TextFitter {
  private readonly widths = new Map<string, number>();

  constructor(private readonly family: string) {}

  font(sizePx: number, bold = false): string {
    return `${bold ? "600 " : ""}${Number(sizePx.toFixed(3))}px ${this.family}`;
  }

  /** Width at a font size, in the same unit as that. */
  width(text: string, size: number, bold = false): number {
    const key = bold ? `b${text}` : `r${text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      width = platformApi.measureText(text, this.font(MEASURED_PX, bold)).width;
      if (this.widths.size > 50_000) this.widths.clear();
      this.widths.set(key, width);
    }
    return (width * size) / MEASURED_PX;
  }

  /** A size at which the text fits, or more of it; not much smaller, and not below `least`. */
  shrunk(text: string, size: number, room: number, bold: boolean, least: number): number {
    const width = this.width(cut(text, MAX_CHARACTERS, "ends"), size, bold);
    if (width <= room) return size;
    // Of what has to be cut anyway, more is left at the smaller size; a long name stays in line.
    if (room < width * HOPELESS) return size;
    return Math.min(size, Math.max((size * room) / width, size * MOST_SHRUNK, least));
  }

  /** The text, or as much of it as fits, with an ellipsis; empty where not even that fits. */
  fit(
    text: string,
    size: number,
    room: number,
    bold = false,
    keep: "start" | "ends" = "start",
  ): string {
    const whole = cut(text, MAX_CHARACTERS, keep);
    const width = this.width(whole, size, bold);
    if (width <= room + ROUNDING) return whole;
    let length = Math.floor((whole.length * room) / width);
    for (; length > 0; length--) {
      const shorter = cut(whole, length, keep);
      if (this.width(shorter, size, bold) <= room) return length < 3 ? "" : shorter;
    }
    return "";
  }
}

/** At most `length` characters, the ellipsis included; never half of a surrogate pair. */
export function cut(text: string, length: number, keep: "start" | "ends"): string {
  if (text.length <= length) return text;
  const room = Math.max(length - 1, 0);
  const tail = keep === "ends" ? Math.ceil(room / 2) : 0;
  const head = text.slice(0, room - tail).replace(/[\uD800-\uDBFF]$/, "");
  const end = tail === 0 ? "" : text.slice(-tail).replace(/^[\uDC00-\uDFFF]/, "");
  return `${head}…${end}`;
}

/**
 * Text that can stand on one line, in a canvas, in XML and in an attribute: what controls
 * terminals or turns the direction of writing is shown as a box, white space as one space.
 */
export function plain(text: string): string {
  const short = text.length > 2_000 ? cut(text, 2_000, "ends") : text;
  return short
    .replace(/\s+/g, " ")
    .replace(UNPRINTABLE, "\u25AF")
    .replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "\uFFFD")
    .trim();
}

const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001F\u007F-\u009F\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\uFFFE\uFFFF]/g;
