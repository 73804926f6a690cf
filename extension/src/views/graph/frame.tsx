import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { px } from "../shared/format";
import { Splitter } from "../shared/splitter";
import { useSize } from "../shared/use_size";

/** Narrower than this the panes stand below each other. */
export const STACKED_BELOW_PX = 600;
/**
 * Narrower than this the details are shown only when asked for: over the left pane where that
 * stands beside the picture, else over the picture.
 */
export const DRAWER_BELOW_PX = 900;

interface FrameProps {
  /** Null when the left pane is closed. */
  left: ComponentChildren | null;
  /** The left pane shows a graph too, and gets as much room. */
  even: boolean;
  right: ComponentChildren;
  /** Null when the details are closed. */
  details: ComponentChildren | null;
}

/** The panes side by side and the details beside or over them; what lies between is draggable. */
export function Frame({ left, even, right, details }: FrameProps) {
  const body = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(body);
  const [sizes, setSizes] = useState<Partial<Record<"left" | "top" | "side" | "drawer", number>>>(
    {},
  );
  const stacked = width > 0 && width < STACKED_BELOW_PX;
  const drawer = width > 0 && width < DRAWER_BELOW_PX;
  const detailsSize = drawer
    ? Math.min(sizes.drawer ?? 340, Math.round(width * 0.8))
    : (sizes.side ?? Math.min(360, Math.max(260, Math.round(width * 0.22))));
  const room = drawer || details === null ? width : width - detailsSize;
  const leftSize = stacked
    ? (sizes.top ?? Math.round(height * (even ? 0.33 : 0.22)))
    : (sizes.left ?? (even ? Math.round(room / 2) : Math.min(440, Math.round(room * 0.4))));
  const onLeft = drawer && left !== null && !stacked;
  const drawn = onLeft && !sizes.drawer ? Math.max(leftSize, 260) : detailsSize;
  const size = (pixels: number, across: boolean) =>
    across ? { height: px(pixels) } : { width: px(pixels) };
  return (
    <div ref={body} class="ov-graph-body">
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
        <div class={drawer ? `ov-drawer${onLeft ? " ov-drawer-left" : ""}` : "ov-graph-side"}>
          <Splitter
            label="Size of the details"
            orientation="vertical"
            size={drawn}
            minimum={180}
            maximum={drawer ? Math.round(width * 0.8) : width - 360}
            after={!onLeft}
            onSize={(own) => setSizes({ ...sizes, [drawer ? "drawer" : "side"]: own })}
            testid="graph-details-divider"
          />
          <div class="ov-pane ov-graph-details" style={size(drawn, false)}>
            {details}
          </div>
        </div>
      )}
    </div>
  );
}
