import type { Data, Layout, LayoutAxis, PlotData } from "plotly.js";
import type { ColumnArray, LossName, MaskedLossName } from "../../protocol";
import type { Palette } from "../shared/palette";
import type { Figure, PlotMargin } from "../shared/plot";
import { KINDS } from "./kinds";
import { type Lane, laneDomain, stepRange } from "./lanes";
import { mapTrace } from "./map_trace";
import {
  findSeries,
  forLogAxis,
  type Losses,
  laneColumns,
  lossLabel,
  type MaskMap,
  ticksWithZero,
  zeroFloor,
} from "./series";

/** What the figure of the losses shows, and how. */
export interface LossesFigureInput {
  losses: Losses;
  map: MaskMap | null;
  lanes: readonly Lane[];
  maskLoss: MaskedLossName;
  log: boolean;
  live: boolean;
  /** How many steps there will be; null when unknown. */
  totalSteps: number | null;
  /** The model trains in eager PyTorch; its own curve is then eager's. */
  eagerOnly: boolean;
  palette: Palette;
}

/** Room around the plotting area in px; fixed, so that new numbers move nothing. */
export const MARGIN: PlotMargin = { left: 62, right: 10, top: 6, bottom: 34 };
/** Points beyond which eager's marks become a dashed line. */
const MARKERS_UP_TO = 400;
/** Least distance of two labels of the map, in px. */
const LABEL_HEIGHT = 13;
const NONFINITE_ROWS = { gradient: 1, loss: 0 } as const;
const MARK_SYMBOLS = { nan: "x-thin-open", inf: "triangle-up", "-inf": "triangle-down" } as const;

/** All lanes as one plotly figure with one step axis. */
export function lossesFigure(
  input: LossesFigureInput,
  size: { width: number; height: number },
): Figure {
  const area = size.height - MARGIN.top - MARGIN.bottom;
  const width = size.width - MARGIN.left - MARGIN.right;
  const data: Data[] = [];
  const axes: Record<string, Partial<LayoutAxis>> = {};
  input.lanes.forEach((lane, index) => {
    const suffix = index === 0 ? "" : String(index + 1);
    const domain = laneDomain(lane, area);
    axes[`yaxis${suffix}`] = { ...baseAxis(input.palette), domain, ...laneAxis(lane, input) };
    data.push(
      ...laneTraces(lane, width, input).map((trace) => ({ ...trace, yaxis: `y${suffix}` }) as Data),
    );
  });
  return { data, layout: layout(input, axes) };
}

function layout(input: LossesFigureInput, axes: object): Partial<Layout> {
  const { losses, live, palette } = input;
  return {
    margin: { l: MARGIN.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom },
    xaxis: {
      ...baseAxis(palette),
      fixedrange: false,
      // At the bottom also while the lowest lane has nothing to draw, as the map before any mask.
      anchor: "free",
      position: 0,
      range: stepRange(losses.first_step, losses.last_step, live, input.totalSteps),
      title: { text: "step", standoff: 2, font: { size: 11 } },
      showgrid: true,
      tickformat: ",d",
    } as Partial<LayoutAxis>,
    ...axes,
    barmode: "stack",
    bargap: 0.1,
    showlegend: false,
    dragmode: "zoom",
    uirevision: "keep",
  } as Partial<Layout>;
}

function baseAxis(palette: Palette): Partial<LayoutAxis> {
  return {
    color: palette.muted,
    gridcolor: palette.grid,
    linecolor: palette.grid,
    zeroline: false,
    tickfont: { size: 10 },
    fixedrange: true,
    exponentformat: "e",
  };
}

function laneAxis(lane: Lane, input: LossesFigureInput): Partial<LayoutAxis> {
  switch (lane.id) {
    case "nonfinite":
      return {
        range: [-0.6, 1.6],
        fixedrange: true,
        showgrid: false,
        tickvals: Object.values(NONFINITE_ROWS),
        ticktext: Object.keys(NONFINITE_ROWS),
      };
    case "masked":
      return { rangemode: "tozero", fixedrange: true, nticks: 3, tickformat: "~s" };
    case "map":
      return mapAxis(lane, input.map);
    default:
      return lossAxis(lane.id, lane.height, input);
  }
}

function lossAxis(loss: LossName, height: number, input: LossesFigureInput): Partial<LayoutAxis> {
  const nticks = Math.max(3, Math.floor(height / 24));
  if (!input.log) return { type: "linear", nticks };
  const ticks = ticksWithZero(laneColumns(input.losses, loss), nticks);
  return { type: "log", nticks, ...ticks };
}

function mapAxis(lane: Lane, map: MaskMap | null): Partial<LayoutAxis> {
  const positions = map?.positions ?? [];
  const every = Math.max(1, Math.ceil((positions.length * LABEL_HEIGHT) / lane.height));
  const shown = positions.map((_, index) => index).filter((index) => index % every === 0);
  return {
    range: [Math.max(0.5, positions.length - 0.5), -0.5],
    fixedrange: true,
    showgrid: false,
    tickvals: shown,
    ticktext: shown.map((index) => positions[index] ?? ""),
  };
}

function laneTraces(lane: Lane, width: number, input: LossesFigureInput): Partial<PlotData>[] {
  switch (lane.id) {
    case "nonfinite":
      return [markTrace(input)];
    case "masked":
      return maskedBars(input);
    case "map":
      return mapTrace(input.map, { width, height: lane.height }, input.palette);
    default:
      return curves(lane.id, input);
  }
}

function curves(loss: LossName, input: LossesFigureInput): Partial<PlotData>[] {
  const { losses, log, eagerOnly, palette } = input;
  const label = lossLabel(loss, losses.trains_with);
  const floor = zeroFloor(laneColumns(losses, loss));
  const scale = (values: ColumnArray) => (log ? forLogAxis(values, floor) : values);
  const x = losses.steps.values;
  const candidate = findSeries(losses, loss, "candidate");
  const reference = findSeries(losses, loss, "reference");
  const traces: Partial<PlotData>[] = [];
  if (candidate && losses.steps_per_bin > 1) {
    const edge = { x, mode: "lines", line: { width: 0 } } as const;
    traces.push(
      { ...edge, y: scale(candidate.minimum.values) },
      {
        ...edge,
        y: scale(candidate.maximum.values),
        fill: "tonexty",
        fillcolor: eagerOnly ? palette.referenceBand : palette.candidateBand,
      },
    );
  }
  if (candidate) {
    traces.push({
      x,
      y: scale(candidate.last.values),
      name: `${label} ${eagerOnly ? "eager" : "ORT"}`,
      mode: "lines",
      line: { color: eagerOnly ? palette.reference : palette.candidate, width: 1.5 },
    });
  }
  if (reference) {
    const count = reference.last.values.filter((value) => Number.isFinite(value)).length;
    const marks = count <= MARKERS_UP_TO;
    traces.push({
      x,
      y: scale(reference.last.values),
      name: `${label} eager`,
      mode: marks ? "markers" : "lines",
      connectgaps: true,
      line: { color: palette.reference, width: 1.5, dash: "dot" },
      marker: { color: palette.reference, symbol: "square-open", size: 4.5, line: { width: 1.2 } },
    });
  }
  return traces;
}

function markTrace({ losses, palette }: LossesFigureInput): Partial<PlotData> {
  const marks = losses.marks;
  return {
    name: "not finite",
    x: marks.map((mark) => mark.step),
    y: marks.map((mark) => NONFINITE_ROWS[mark.what === "gradient" ? "gradient" : "loss"]),
    mode: "markers",
    marker: {
      color: palette.look,
      size: 7,
      symbol: marks.map((mark) => MARK_SYMBOLS[mark.kind]),
      line: { width: 1.6, color: palette.look },
    },
  } as Partial<PlotData>;
}

function maskedBars({ losses, maskLoss, palette }: LossesFigureInput): Partial<PlotData>[] {
  const counts = losses.masked.find((row) => row.loss === maskLoss);
  if (counts === undefined) return [];
  const middle = (losses.steps_per_bin - 1) / 2;
  return KINDS.map(
    ({ kind, label, pattern, code }) =>
      ({
        type: "bar",
        name: `masked ${label}`,
        x: Array.from(losses.steps.values, (step) => step + middle),
        y: Array.from(counts[kind].values, (count) => (count === 0 ? null : count)),
        width: losses.steps_per_bin,
        marker: {
          color: palette.kindScale[code - 1]?.[1],
          line: { width: 0 },
          pattern: { shape: pattern, fgcolor: palette.surface, size: 5, solidity: 0.35 },
        },
      }) as Partial<PlotData>,
  );
}

/** The vertical line at the selected step, across all lanes. */
export function stepLine(step: number | null, palette: Palette): NonNullable<Layout["shapes"]> {
  if (step === null) return [];
  return [
    {
      type: "line",
      xref: "x",
      yref: "paper",
      x0: step,
      x1: step,
      y0: 0,
      y1: 1,
      line: { color: palette.ink, width: 1, dash: "solid" },
      opacity: 0.7,
    },
  ];
}
