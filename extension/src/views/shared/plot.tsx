import type { Data, Layout, PlotlyHTMLElement, PlotMouseEvent, PlotRelayoutEvent } from "plotly.js";
import Plotly from "plotly.js-cartesian-dist-min";
import { useEffect, useRef } from "preact/hooks";
import { useDebugger } from "./context";
import { useSize } from "./use_size";

/** What plotly draws. */
export interface Figure {
  data: Data[];
  layout: Partial<Layout>;
}

/** The debugger's colours as plotly can read them. */
export interface Palette {
  reference: string;
  candidate: string;
  candidateBand: string;
  look: string;
  ink: string;
  muted: string;
  grid: string;
  surface: string;
  font: string;
  /** For NaN, +inf, −inf, which are 1, 2, 3. */
  kindScale: [number, string][];
}

/** A point of a figure that was clicked. */
export interface PickedPoint {
  x: number;
  y: number | null;
  /** Name of its trace. */
  trace: string;
}

interface PlotProps {
  label: string;
  testid: string;
  figure(size: { width: number; height: number }, palette: Palette): Figure;
  /** Lines over the figure; drawn anew without drawing the figure anew. */
  shapes(palette: Palette): NonNullable<Layout["shapes"]>;
  onPick(points: PickedPoint[]): void;
  /** The shown range of the x axis changed; null is all of it. */
  onRange(range: [number, number] | null): void;
}

const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  responsive: false,
  doubleClick: "reset",
} as const;

/** A plotly figure that fills its parent and is redrawn at most once a frame. */
export function Plot(props: PlotProps) {
  const { theme } = useDebugger();
  const frame = useRef<HTMLDivElement>(null);
  const element = useRef<HTMLDivElement>(null);
  const size = useSize(frame);
  const { figure, shapes } = props;
  const handlers = useRef(props);
  handlers.current = props;
  const mode = theme.value;

  useEffect(() => {
    const target = element.current;
    if (target === null || size.width < 40 || size.height < 40) return;
    const request = requestAnimationFrame(() => {
      const palette = readPalette(target);
      const { data, layout } = figure(size, palette);
      const drawn = { ...baseLayout(palette), ...layout, ...size, shapes: shapes(palette) };
      void Plotly.react(target, data, drawn, CONFIG).then(() => listen(target, handlers));
    });
    return () => cancelAnimationFrame(request);
  }, [figure, size, mode]);

  useEffect(() => {
    const target = element.current;
    if (target === null || !isDrawn(target)) return;
    void Plotly.relayout(target, { shapes: shapes(readPalette(target)) });
  }, [shapes]);

  useEffect(() => {
    const target = element.current;
    return () => {
      if (target !== null) Plotly.purge(target);
    };
  }, []);

  return (
    <div class="ov-plot" ref={frame} role="img" aria-label={props.label} data-testid={props.testid}>
      <div class="ov-plot-canvas" ref={element} />
    </div>
  );
}

const listening = new WeakSet<HTMLElement>();

function isDrawn(target: HTMLElement): target is PlotlyHTMLElement {
  return listening.has(target);
}

/** Plotly's events reach whatever the newest render wants done with them. */
function listen(target: HTMLElement, handlers: { current: PlotProps }): void {
  if (listening.has(target)) return;
  listening.add(target);
  const plot = target as PlotlyHTMLElement;
  plot.on("plotly_click", (event: PlotMouseEvent) => {
    const points = event.points.map((point) => ({
      x: Number(point.x),
      y: typeof point.y === "number" ? point.y : null,
      trace: point.data.name ?? "",
    }));
    handlers.current.onPick(points);
  });
  plot.on("plotly_relayout", (event: PlotRelayoutEvent) => {
    const from = event["xaxis.range[0]"];
    const to = event["xaxis.range[1]"];
    if (from !== undefined && to !== undefined)
      handlers.current.onRange([Number(from), Number(to)]);
    else if (event["xaxis.autorange"] || "xaxis.range" in event) handlers.current.onRange(null);
  });
  plot.on("plotly_doubleclick", () => handlers.current.onRange(null));
}

function baseLayout(palette: Palette): Partial<Layout> {
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: palette.font, size: 11, color: palette.ink },
    hoverlabel: {
      bgcolor: palette.surface,
      bordercolor: palette.grid,
      font: { family: palette.font, size: 11, color: palette.ink },
    },
  };
}

/** The colours the style sheet gives an element, whatever notation it uses. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    reference: color("--ov-reference"),
    candidate: color("--ov-candidate"),
    candidateBand: color("--ov-candidate-band"),
    look: color("--ov-look"),
    ink: color("--ov-ink"),
    muted: color("--ov-muted"),
    grid: color("--ov-line"),
    surface: color("--ov-surface"),
    font: getComputedStyle(element).fontFamily,
    kindScale: [
      [0, color("--ov-look")],
      [0.5, color("--ov-look-2")],
      [1, color("--ov-look-3")],
    ],
  };
  probe.remove();
  return palette;
}
