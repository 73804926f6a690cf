import { type Answer, type SideName, toNumber } from "../../protocol";
import { formatCount, formatNumber, plural } from "./format";

/** How one tensor's elements are spread. */
export interface SiteHistogram {
  side: SideName;
  /** Null when no element is finite. */
  low: number | null;
  high: number | null;
  counts: ArrayLike<number>;
  nonfinite: number;
}

/** What both sides share on screen: the range of the elements, and the fullest bin. */
export interface HistogramFrame {
  low: number;
  high: number;
  peak: number;
}

/** The histograms of a site, eager before ORT; empty where none was kept. */
export function siteHistograms(answer: Answer<"histograms">, siteId: string): SiteHistogram[] {
  const found: SiteHistogram[] = [];
  let begin = 0;
  for (const row of answer.rows) {
    const end = begin + row.bin_count;
    if (row.site_id === siteId) {
      found.push({
        side: row.side,
        low: toNumber(row.low),
        high: toNumber(row.high),
        counts: answer.counts.values.subarray(begin, end),
        nonfinite: row.nan_count + row.posinf_count + row.neginf_count,
      });
    }
    begin = end;
  }
  return found;
}

/** The frame that holds all of them; null when none has a finite element. */
export function histogramFrame(histograms: readonly SiteHistogram[]): HistogramFrame | null {
  const drawn = histograms.filter((each) => each.low !== null && each.high !== null);
  if (drawn.length === 0) return null;
  return {
    low: Math.min(...drawn.map((each) => each.low as number)),
    high: Math.max(...drawn.map((each) => each.high as number)),
    peak: Math.max(...drawn.map((each) => Math.max(...Array.from(each.counts)))),
  };
}

/**
 * The outline of the bars as an SVG path, standing on the lower edge of a box.
 *
 * Equal elements make one bar in the middle, since their range has no width.
 */
export function histogramPath(
  histogram: SiteHistogram,
  frame: HistogramFrame,
  width: number,
  height: number,
): string {
  const { low, high, counts } = histogram;
  if (low === null || high === null) return "";
  const span = frame.high - frame.low;
  const place = (value: number) => (span > 0 ? ((value - frame.low) / span) * width : width / 2);
  const top = (count: number) => height - (count / frame.peak) * height;
  if (high === low) {
    const middle = round(place(low));
    return `M${middle - 1} ${height}V${round(top(counts[0] ?? 0))}h2V${height}`;
  }
  const step = (place(high) - place(low)) / counts.length;
  let path = `M${round(place(low))} ${height}`;
  for (let bin = 0; bin < counts.length; bin += 1) {
    path += `V${round(top(counts[bin] ?? 0))}H${round(place(low) + (bin + 1) * step)}`;
  }
  return `${path}V${height}`;
}

/** For the hover: range, bins, and what is not drawn. */
export function histogramTitle(histograms: readonly SiteHistogram[]): string {
  return histograms
    .map((each) => {
      const name = each.side === "reference" ? "eager" : "ORT";
      const count = Array.from(each.counts).reduce((sum, bin) => sum + bin, 0);
      const range =
        each.low === null
          ? "no finite element"
          : `${plural(count, "element")} from ${formatNumber(each.low)} to ${formatNumber(each.high)}`;
      const left = each.nonfinite > 0 ? `, ${formatCount(each.nonfinite)} not finite` : "";
      return `${name}: ${range} in ${each.counts.length} bins${left}`;
    })
    .join("\n");
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
