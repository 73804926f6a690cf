import type { Data, Layout, LayoutAxis, PlotData } from "plotly.js";
import type { LossName, MaskedLossName } from "../../protocol";
import { formatExact, formatNumber } from "../shared/format";
import type { Figure, Palette } from "../shared/plot";
import { type Lane, laneDomain, stepRange } from "./lanes";
import { findSeries, forLogAxis, type Losses, lossLabel, type MaskMap } from "./series";

/** What the figure of the losses shows, and how. */
export interface LossesFigureInput {
  losses: Losses;
  map: MaskMap | null;
  lanes: readonly Lane[];
  maskLoss: MaskedLossName;
  log: boolean;
  live: boolean;
  palette: Palette;
}

/** Room around the plotting area in px; fixed, so that new numbers move nothing. */
export const MARGIN = { left: 62, right: 10, top: 6, bottom: 34 } as const;
/** Points beyond which eager's marks become a dashed line. */
const MARKERS_UP_TO = 400;
/** The same look for NaN, +inf and −inf wherever they are counted. */
export const KINDS = [
  { kind: "nan", label: "NaN", code: 1, pattern: "" },
  { kind: "posinf", label: "+∞", code: 2, pattern: "/" },
  { kind: "neginf", label: "−∞", code: 3, pattern: "\\" },
] as const;
const NONFINITE_ROWS = { gradient: 1, loss: 0 } as const;
const MARK_SYMBOLS = { nan: "x-thin-open", inf: "triangle-up", "-inf": "triangle-down" } as const;
const MARK_WORDS = { nan: "NaN", inf: "+∞", "-inf": "−∞" } as const;

/** All lanes as one plotly figure with one step axis. */
export function lossesFigure(input: LossesFigureInput, height: number): Figure {
  const area = height - MARGIN.top - MARGIN.bottom;
  const data: Data[] = [];
  const axes: Record<string, Partial<LayoutAxis>> = {};
  input.lanes.forEach((lane, index) => {
    const suffix = index === 0 ? "" : String(index + 1);
    const domain = laneDomain(lane, area);
    axes[`yaxis${suffix}`] = { ...baseAxis(input.palette), domain, ...laneAxis(lane, input) };
    data.push(
      ...laneTraces(lane, input).map((trace) => ({ ...trace, yaxis: `y${suffix}` }) as Data),
    );
  });
  return { data, layout: layout(input, axes) };
}

function layout(input: LossesFigureInput, axes: object): Partial<Layout> {
  const { losses, live, palette } = input;
  const bottom = input.lanes.length === 1 ? "y" : `y${input.lanes.length}`;
  return {
    margin: { l: MARGIN.left, r: MARGIN.right, t: MARGIN.top, b: MARGIN.bottom },
    xaxis: {
      ...baseAxis(palette),
      anchor: bottom,
      range: stepRange(losses.first_step, losses.last_step, live),
      title: { text: "step", standoff: 2, font: { size: 11 } },
      showgrid: true,
      tickformat: ",d",
      hoverformat: ",d",
    } as Partial<LayoutAxis>,
    ...axes,
    barmode: "stack",
    bargap: 0.1,
    showlegend: false,
    hovermode: "x unified",
    hoverdistance: -1,
    hoversubplots: "axis",
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
    fixedrange: false,
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
      return mapAxis(input.map);
    default:
      return {
        type: input.log ? "log" : "linear",
        nticks: Math.max(2, Math.floor(lane.height / 26)),
      };
  }
}

function mapAxis(map: MaskMap | null): Partial<LayoutAxis> {
  const positions = map?.positions ?? [];
  const every = Math.max(1, Math.ceil(positions.length / 8));
  const shown = positions.map((_, index) => index).filter((index) => index % every === 0);
  return {
    range: [Math.max(0.5, positions.length - 0.5), -0.5],
    fixedrange: true,
    showgrid: false,
    tickvals: shown,
    ticktext: shown.map((index) => positions[index] ?? ""),
  };
}

function laneTraces(lane: Lane, input: LossesFigureInput): Partial<PlotData>[] {
  switch (lane.id) {
    case "nonfinite":
      return [markTrace(input)];
    case "masked":
      return maskedBars(input);
    case "map":
      return mapTrace(input);
    default:
      return curves(lane.id, input);
  }
}

function curves(loss: LossName, { losses, log, palette }: LossesFigureInput): Partial<PlotData>[] {
  const label = lossLabel(loss, losses.trains_with);
  const scale = (values: Parameters<typeof forLogAxis>[0]) => (log ? forLogAxis(values) : values);
  const x = losses.steps.values;
  const candidate = findSeries(losses, loss, "candidate");
  const reference = findSeries(losses, loss, "reference");
  const traces: Partial<PlotData>[] = [];
  if (candidate && losses.steps_per_bin > 1) {
    const edge = { x, mode: "lines", hoverinfo: "skip", line: { width: 0 } } as const;
    traces.push(
      { ...edge, y: scale(candidate.minimum.values) },
      {
        ...edge,
        y: scale(candidate.maximum.values),
        fill: "tonexty",
        fillcolor: palette.candidateBand,
      },
    );
  }
  if (candidate) {
    traces.push({
      x,
      y: scale(candidate.last.values),
      ...exactHover(candidate.last.values, `${label} ORT`),
      mode: "lines",
      line: { color: palette.candidate, width: 1.5 },
    });
  }
  if (reference) {
    const marks = x.length <= MARKERS_UP_TO;
    traces.push({
      x,
      y: scale(reference.last.values),
      ...exactHover(reference.last.values, `${label} eager`),
      mode: marks ? "markers" : "lines",
      connectgaps: true,
      line: { color: palette.reference, width: 1.5, dash: "dot" },
      marker: { color: palette.reference, symbol: "square-open", size: 4.5, line: { width: 1.2 } },
    });
  }
  return traces;
}

function exactHover(values: ArrayLike<number>, name: string): Partial<PlotData> {
  return {
    name,
    text: Array.from(values, (value) => formatExact(value)),
    hovertemplate: "%{text}",
  };
}

function markTrace({ losses, palette }: LossesFigureInput): Partial<PlotData> {
  const marks = losses.marks;
  return {
    name: "not finite",
    x: marks.map((mark) => mark.step),
    y: marks.map((mark) => NONFINITE_ROWS[mark.what === "gradient" ? "gradient" : "loss"]),
    text: marks.map((mark) => {
      const what = mark.what === "gradient" ? "gradient" : lossLabel(mark.what, losses.trains_with);
      const side = mark.side === "candidate" ? "ORT" : "eager";
      return `${what} ${MARK_WORDS[mark.kind]} (${side})`;
    }),
    hovertemplate: "%{text}",
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
  return KINDS.map(
    ({ kind, label, pattern }) =>
      ({
        type: "bar",
        name: `masked ${label}`,
        x: losses.steps.values,
        y: Array.from(counts[kind].values, (count) => (count === 0 ? null : count)),
        width: losses.steps_per_bin,
        hovertemplate: "%{y:,d}",
        marker: {
          color: palette.look,
          line: { width: 0 },
          pattern: { shape: pattern, fgcolor: palette.surface, size: 5, solidity: 0.35 },
        },
      }) as Partial<PlotData>,
  );
}

function mapTrace({ map, palette }: LossesFigureInput): Partial<PlotData>[] {
  if (map === null || map.positions.length === 0) return [];
  const columns = map.steps.values.length;
  const rows = map.positions.map((_, row) =>
    Array.from(map.codes.values.subarray(row * columns, (row + 1) * columns), (code) =>
      code === 0 ? null : code,
    ),
  );
  const few = columns * rows.length <= 600;
  const signs = rows.map((row) =>
    row.map((code) => (few ? (KINDS[(code ?? 0) - 1]?.label ?? "") : "")),
  );
  return [
    {
      type: "heatmap",
      name: "map",
      x: Array.from(map.steps.values, (step) => step + (map.steps_per_bin - 1) / 2),
      y: map.positions.map((_, index) => index),
      z: rows,
      dx: map.steps_per_bin,
      zmin: 1,
      zmax: 3,
      text: signs,
      texttemplate: few ? "%{text}" : undefined,
      textfont: { size: 9, color: palette.surface },
      colorscale: palette.kindScale,
      showscale: false,
      hoverinfo: "none",
      xgap: columns <= 200 ? 1 : 0,
      ygap: 1,
    } as unknown as Partial<PlotData>,
  ];
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

/** A short text for a cell of the map, for its tooltip. */
export function cellText(map: MaskMap, row: number, column: number): string {
  const columns = map.steps.values.length;
  const code = map.codes.values[row * columns + column] ?? 0;
  const count = map.counts.values[row * columns + column] ?? 0;
  const kind = KINDS[code - 1]?.label;
  if (kind === undefined) return "nothing masked";
  return `${map.positions[row]}: ${formatNumber(count)} masked, most of them ${kind}`;
}
