import type { Data, Layout, PlotlyHTMLElement, PlotRelayoutEvent } from "plotly.js";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useDebugger } from "./context";
import { DrawingPace } from "./pace";
import { type Palette, readPalette } from "./palette";
import { usePlotlyLibrary } from "./plotly";
import { useSize } from "./use_size";

/** What plotly draws. */
export interface Figure {
  data: Data[];
  layout: Partial<Layout>;
}

/** A place in the plotting area. */
export interface PlotPoint {
  /** On the x axis. */
  x: number;
  /** From the left edge of the figure, in px. */
  left: number;
  /** From the top of the plotting area, in px. */
  top: number;
}

/** Room around the plotting area, in px. */
export interface PlotMargin {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

interface PlotProps {
  label: string;
  testid: string;
  margin: PlotMargin;
  figure(size: { width: number; height: number }, palette: Palette): Figure;
  /** Lines over the figure; drawn anew without drawing the figure anew. */
  shapes(palette: Palette): NonNullable<Layout["shapes"]>;
  /** A click that was no drag. */
  onPick(point: PlotPoint): void;
  /** Where the pointer is; null when it has left. */
  onPoint(point: PlotPoint | null): void;
  /** The shown range of the x axis changed; null is all of it. */
  onRange(range: [number, number] | null): void;
  /** Changes to show the whole x axis again. */
  resetKey: number;
  /** Drawn over the figure. */
  children?: ComponentChildren;
}

const CONFIG = {
  displayModeBar: false,
  displaylogo: false,
  responsive: false,
  doubleClick: "reset",
  showTips: false,
} as const;
/** A press that moves less than this is a click, in px. */
const CLICK_PX = 4;

/** A plotly figure that fills its parent and leaves the page time for other things. */
export function Plot(props: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const element = useRef<HTMLDivElement>(null);
  const pressed = useRef<{ x: number; y: number } | null>(null);
  const { drawn, failure } = usePlotly(element, useSize(frame), props);
  const locate = (event: MouseEvent) => pointAt(event, element.current, props.margin);
  return (
    <div
      class="ov-plot"
      ref={frame}
      role="img"
      aria-label={props.label}
      data-testid={props.testid}
      onPointerMove={(event) => props.onPoint(locate(event))}
      onPointerLeave={() => props.onPoint(null)}
      onPointerDownCapture={(event) => {
        pressed.current = { x: event.clientX, y: event.clientY };
      }}
      onClickCapture={(event) => {
        const start = pressed.current;
        const moved = start && Math.hypot(event.clientX - start.x, event.clientY - start.y);
        const point = locate(event);
        if (point !== null && moved !== null && moved < CLICK_PX) props.onPick(point);
      }}
    >
      <div class="ov-plot-canvas" ref={element} />
      {props.children}
      {!drawn && (
        <p class="ov-plot-wait" role="status">
          {failure ?? "drawing…"}
        </p>
      )}
    </div>
  );
}

/**
 * Keep plotly's drawing in an element up to date, and take it away at the end.
 *
 * @returns Whether anything has been drawn yet, and why nothing will be.
 */
function usePlotly(
  element: { current: HTMLDivElement | null },
  size: { width: number; height: number },
  props: PlotProps,
): { drawn: boolean; failure: string | null } {
  const { theme } = useDebugger();
  const { figure, shapes, resetKey } = props;
  const handlers = useRef(props);
  handlers.current = props;
  const pace = useRef(new DrawingPace());
  const mode = theme.value;
  const [drawn, setDrawn] = useState(false);
  const { plotly, failure } = usePlotlyLibrary();

  useEffect(() => {
    const target = element.current;
    if (plotly === null || target === null || size.width < 40 || size.height < 40) return;
    return pace.current.soon(() => {
      const palette = readPalette(target);
      const { data, layout } = figure(size, palette);
      const over = handlers.current.shapes(palette);
      const whole = { ...baseLayout(palette), ...layout, ...size, shapes: over };
      void plotly.react(target, data, whole, CONFIG).then(() => {
        listen(target, handlers);
        setDrawn(true);
      });
    });
  }, [figure, size, mode, plotly]);

  useEffect(() => {
    const target = element.current;
    if (plotly === null || target === null || !isDrawn(target)) return;
    void plotly.relayout(target, { shapes: shapes(readPalette(target)) });
  }, [shapes]);

  useEffect(() => {
    const target = element.current;
    if (plotly === null || target === null || !isDrawn(target)) return;
    const range = figure(size, readPalette(target)).layout.xaxis?.range;
    if (range) void plotly.relayout(target, { "xaxis.range": [range[0], range[1]] });
    handlers.current.onRange(null);
  }, [resetKey]);

  useEffect(() => {
    const target = element.current;
    return () => {
      if (target !== null) plotly?.purge(target);
    };
  }, [plotly]);
  return { drawn, failure };
}

/** Where an event is in the plotting area; null outside it or before anything is drawn. */
function pointAt(
  event: MouseEvent,
  target: HTMLElement | null,
  margin: PlotMargin,
): PlotPoint | null {
  const range = target && isDrawn(target) ? target.layout.xaxis?.range : undefined;
  if (target === null || range === undefined) return null;
  const box = target.getBoundingClientRect();
  const share = (event.clientX - box.left - margin.left) / (box.width - margin.left - margin.right);
  const top = event.clientY - box.top - margin.top;
  if (share < 0 || share > 1 || top < 0 || top > box.height - margin.top - margin.bottom) {
    return null;
  }
  const [first, last] = range.map(Number) as [number, number];
  return { x: first + share * (last - first), left: event.clientX - box.left, top };
}

const listening = new WeakSet<HTMLElement>();

/** The element as plotly extends it. */
type DrawnElement = PlotlyHTMLElement & { layout: Partial<Layout> };

function isDrawn(target: HTMLElement): target is DrawnElement {
  return listening.has(target);
}

/** Plotly's events reach whatever the newest render wants done with them. */
function listen(target: HTMLElement, handlers: { current: PlotProps }): void {
  if (listening.has(target)) return;
  listening.add(target);
  const plot = target as PlotlyHTMLElement;
  plot.on("plotly_relayout", (event: PlotRelayoutEvent) => {
    const from = event["xaxis.range[0]"];
    const to = event["xaxis.range[1]"];
    if (from !== undefined && to !== undefined) {
      handlers.current.onRange([Number(from), Number(to)]);
    }
  });
  plot.on("plotly_doubleclick", () => handlers.current.onRange(null));
}

function baseLayout(palette: Palette): Partial<Layout> {
  return {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: palette.font, size: 11, color: palette.ink },
    hovermode: false,
  };
}
