import type { ColumnArray, FindingMark, SeverityName } from "../../protocol";

/** The step strip's drawing area, in px. */
export interface StripBox {
  width: number;
  height: number;
}

/** First and last step the strip spans. */
export interface StepSpan {
  first: number;
  last: number;
}

/** Ratio of largest to least loss from which on the curve is drawn on a log scale. */
const LOG_FROM_RATIO = 100;
const MARK_DISTANCE_PX = 4;
/** Half the width of a mark and a little: the first and last steps' marks are drawn whole. */
const INSET_PX = 6;
const DRAWING_ORDER: readonly SeverityName[] = ["info", "warning", "error"];

export function stepToX(step: number, span: StepSpan, width: number): number {
  const length = span.last - span.first;
  if (length <= 0) return width / 2;
  const inset = insetOf(width);
  return inset + ((step - span.first) / length) * (width - 2 * inset);
}

export function xToStep(x: number, span: StepSpan, width: number): number {
  const inset = insetOf(width);
  if (width <= 2 * inset) return span.first;
  const share = Math.min(1, Math.max(0, (x - inset) / (width - 2 * inset)));
  return Math.round(span.first + share * (span.last - span.first));
}

function insetOf(width: number): number {
  return Math.max(0, Math.min(INSET_PX, width / 4));
}

/**
 * The loss as SVG paths: one closed band from least to largest per run of finite bins.
 * A bin without a finite value leaves a gap.
 */
export function sparkPath(
  steps: ColumnArray,
  least: ColumnArray,
  largest: ColumnArray,
  span: StepSpan,
  box: StripBox,
): string {
  const toY = lossScale(least, largest, box.height);
  const parts: string[] = [];
  let run: number[] = [];
  const flush = () => {
    if (run.length > 0) parts.push(bandPath(run, steps, least, largest, span, box, toY));
    run = [];
  };
  for (let i = 0; i < steps.length; i += 1) {
    if (Number.isFinite(least[i]) && Number.isFinite(largest[i])) run.push(i);
    else flush();
  }
  flush();
  return parts.join("");
}

/** Marks of one severity keep a distance from each other; the most severe are drawn last. */
export function markPositions(
  marks: readonly FindingMark[],
  span: StepSpan,
  width: number,
): { x: number; step: number; severity: SeverityName }[] {
  return DRAWING_ORDER.flatMap((severity) => {
    let lastX = Number.NEGATIVE_INFINITY;
    return marks
      .filter((mark) => mark.severity === severity)
      .map(({ step }) => ({ x: stepToX(step, span, width), step, severity }))
      .sort((a, b) => a.x - b.x)
      .filter(({ x }) => {
        if (x - lastX < MARK_DISTANCE_PX) return false;
        lastX = x;
        return true;
      });
  });
}

function lossScale(
  least: ColumnArray,
  largest: ColumnArray,
  height: number,
): (value: number) => number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < least.length; i += 1) {
    const a = least[i] as number;
    const b = largest[i] as number;
    if (Number.isFinite(a)) low = Math.min(low, a);
    if (Number.isFinite(b)) high = Math.max(high, b);
  }
  const log = low > 0 && high / low >= LOG_FROM_RATIO;
  const map = log ? Math.log : (value: number) => value;
  const range = map(high) - map(low);
  if (!(range > 0)) return () => height / 2;
  return (value) => height * (1 - (map(value) - map(low)) / range);
}

function bandPath(
  run: number[],
  steps: ColumnArray,
  least: ColumnArray,
  largest: ColumnArray,
  span: StepSpan,
  box: StripBox,
  toY: (value: number) => number,
): string {
  const point = (index: number, values: ColumnArray) => {
    const x = stepToX(steps[index] as number, span, box.width);
    return `${x.toFixed(1)} ${toY(values[index] as number).toFixed(1)}`;
  };
  const upper = run.map((index) => point(index, largest));
  if (run.length === 1) return `M${upper[0]}h.1`;
  const lower = run.map((index) => point(index, least)).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}
