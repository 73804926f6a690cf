import type { TraceRow } from "../../protocol";
import { dtypeText, nonfiniteText, STAT_COLUMNS, type StatColumn, shapeText } from "./columns";

/** Which columns a table of a width has, and how wide they are. */
export interface TraceLayout {
  stats: readonly StatColumn[];
  /** Whether the verdict has words; its sign stands before the site anyway. */
  verdict: boolean;
  shape: boolean;
  dtype: boolean;
  /** Whether the relative difference has a column beside the absolute one. */
  relative: boolean;
  /** Whether there is room for a module's type beside its name. */
  types: boolean;
  /** `grid-template-columns` of a row and of the header. */
  template: string;
  /** In px; more than there is where even the fewest columns do not fit. */
  width: number;
}

/** In px. */
const SITE = { min: 150, usual: 190, max: 300 } as const;
/** A site narrower than this has its name alone, in px. */
const SITE_WITH_TYPE = 186;
const ERROR = 70;
const VERDICT = 116;
const STAT = 74;
const COUNT_MIN = 52;
const SHAPE_MIN = 62;
const DTYPE_MIN = 56;
/** Widest usual character in px: of words and numbers, and of shapes, whose font is smaller. */
const CHAR = { text: 7.2, shape: 6.7 } as const;
/** Room beside a text, in px. */
const PADDING = 14;

interface Columns {
  stats: readonly StatColumn[];
  verdict: boolean;
  shape: boolean;
  dtype: boolean;
  relative: boolean;
}

type Drop = (columns: Columns) => Columns;

const without =
  (key: StatColumn["key"]): Drop =>
  (columns) => ({ ...columns, stats: columns.stats.filter((column) => column.key !== key) });
const DROP_DTYPE: Drop = (columns) => ({ ...columns, dtype: false });

/**
 * Columns that fit a width. The site, how far both sides are apart, and least, largest and not
 * finite elements of both sides stay; what says least about a difference goes first.
 *
 * @param width In px.
 */
export function traceLayout(rows: readonly TraceRow[], width: number): TraceLayout {
  const dtypes = new Set(rows.map(dtypeText));
  const drops: Drop[] = [
    (columns) => ({ ...columns, verdict: false }),
    ...(dtypes.size <= 1 ? [DROP_DTYPE] : []),
    without("std"),
    without("mean"),
    DROP_DTYPE,
    (columns) => ({ ...columns, shape: false }),
    (columns) => ({ ...columns, relative: false }),
  ];
  const widths = textWidths(rows);
  let columns: Columns = {
    stats: STAT_COLUMNS,
    verdict: true,
    shape: true,
    dtype: true,
    relative: true,
  };
  let rest = besideSite(columns, widths);
  for (const drop of drops) {
    if (sum(rest) + (columns.shape ? SITE.usual : SITE.min) <= width) break;
    columns = drop(columns);
    rest = besideSite(columns, widths);
  }
  const site = Math.min(SITE.max, Math.max(SITE.min, Math.floor(width - sum(rest))));
  const template = [site, ...rest].map((value) => `${value}px`).join(" ");
  return { ...columns, types: site >= SITE_WITH_TYPE, template, width: site + sum(rest) };
}

interface TextWidths {
  shape: number;
  dtype: number;
  count: number;
}

function textWidths(rows: readonly TraceRow[]): TextWidths {
  const widest = (texts: string[], least: number, char: number = CHAR.text) =>
    Math.ceil(texts.reduce((most, text) => Math.max(most, text.length * char + PADDING), least));
  const counts = rows.flatMap((row) => [
    nonfiniteText(row.reference),
    nonfiniteText(row.candidate),
  ]);
  return {
    shape: widest(rows.map(shapeText), SHAPE_MIN, CHAR.shape),
    dtype: widest(rows.map(dtypeText), DTYPE_MIN),
    count: widest(counts, COUNT_MIN),
  };
}

/** Widths of all columns but the site's, in their order. */
function besideSite(columns: Columns, texts: TextWidths): number[] {
  const side = [...columns.stats.map(() => STAT), texts.count];
  return [
    ERROR,
    ...(columns.relative ? [ERROR] : []),
    ...(columns.verdict ? [VERDICT] : []),
    ...(columns.shape ? [texts.shape] : []),
    ...(columns.dtype ? [texts.dtype] : []),
    ...side,
    ...side,
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
