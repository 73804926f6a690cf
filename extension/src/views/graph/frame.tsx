import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { px } from "../shared/format";
import { Splitter } from "../shared/splitter";
import { useSize } from "../shared/use_size";

/** Narrower than this the panes stand below each other. */
export const STACKED_BELOW_PX = 600;
/** Narrower than this the details stand below the panes. */
export const DETAILS_BELOW_PX = 1000;

interface FrameProps {
  /** Null when the left pane is closed. */
  left: ComponentChildren | null;
  /** The left pane shows a graph too, and gets as much room. */
  even: boolean;
  right: ComponentChildren;
  /** Null when the details are closed. */
  details: ComponentChildren | null;
}

/** The panes side by side and the details beside or below them; what lies between is draggable. */
export function Frame({ left, even, right, details }: FrameProps) {
  const body = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(body);
  const [sizes, setSizes] = useState<Partial<Record<"left" | "top" | "side" | "bottom", number>>>(
    {},
  );
  const stacked = width > 0 && width < STACKED_BELOW_PX;
  const below = width > 0 && width < DETAILS_BELOW_PX;
  const detailsSize = below
    ? (sizes.bottom ?? Math.round(height * 0.32))
    : (sizes.side ?? Math.min(360, Math.max(260, Math.round(width * 0.22))));
  const room = below || details === null ? width : width - detailsSize;
  const leftSize = stacked
    ? (sizes.top ?? Math.round(height * (even ? 0.33 : 0.22)))
    : (sizes.left ?? (even ? Math.round(room / 2) : Math.min(440, Math.round(room * 0.4))));
  const size = (pixels: number, across: boolean) =>
    across ? { height: px(pixels) } : { width: px(pixels) };
  return (
    <div ref={body} class={`ov-graph-body${below ? " ov-column" : ""}`}>
      <div class={`ov-graph-panes${stacked ? " ov-column" : ""}`}>
        {left !== null && (
          <>
            <div class="ov-pane ov-graph-left" style={size(leftSize, stacked)}>
              {left}
            </div>
            <Splitter
              label="Size of the left pane"
              orientation={stacked ? "horizontal" : "vertical"}
              size={leftSize}
              minimum={stacked ? 60 : 140}
              maximum={stacked ? height - 140 : width - 220}
              onSize={(left) => setSizes({ ...sizes, [stacked ? "top" : "left"]: left })}
              testid="graph-divider"
            />
          </>
        )}
        <div class="ov-pane ov-graph-stage">{right}</div>
      </div>
      {details !== null && (
        <>
          <Splitter
            label="Size of the details"
            orientation={below ? "horizontal" : "vertical"}
            size={detailsSize}
            minimum={below ? 60 : 180}
            maximum={below ? height - 160 : width - 360}
            after
            onSize={(own) => setSizes({ ...sizes, [below ? "bottom" : "side"]: own })}
            testid="graph-details-divider"
          />
          <div class="ov-pane ov-graph-details" style={size(detailsSize, below)}>
            {details}
          </div>
        </>
      )}
    </div>
  );
}
