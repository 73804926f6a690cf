/** Parts that say nothing without the number beside them. */
const UNITS: ReadonlySet<string> = new Set(["%", "|"]);

/** Parts of an overlay's mark that are signs, not numbers; what follows a dot is a number. */
const signsOf = (mark: string) =>
  (mark.split(" · ")[0] ?? "")
    .split(" ")
    .filter((part) => !/^[\d.]/.test(part) && !UNITS.has(part));

/** As much of an overlay's mark as fits: all of it, or its signs without the numbers. */
export function shortMark(mark: string, fits: (text: string) => boolean): string {
  if (fits(mark)) return mark;
  const signs = signsOf(mark);
  while (signs.length > 0 && !fits(signs.join(" "))) signs.pop();
  return signs.join(" ");
}

/** Marks up to this many characters stand beside a title, longer ones below it. */
const SHORT_MARK = 2;
/** Where a finding lies: the other signs tell more. */
const FINDING = "◆";

/** A mark for a box with one line of text: as it is if short, else its signs or the first one. */
export function tinyMark(mark: string): string {
  if ([...mark].length <= SHORT_MARK) return mark;
  const signs = signsOf(mark);
  const telling = signs.filter((sign) => sign !== FINDING);
  const shown = telling.length > 0 ? telling : signs;
  const both = shown.join("");
  return [...both].length <= SHORT_MARK ? both : (shown[0] ?? "");
}

export const isShortMark = (mark: string) => [...mark].length <= SHORT_MARK;

/** What a tiny mark leaves out although it matters: that a finding lies here. */
export const leftOut = (mark: string) =>
  mark.startsWith(FINDING) && !tinyMark(mark).includes(FINDING) ? FINDING : "";
