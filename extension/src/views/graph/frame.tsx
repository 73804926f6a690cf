import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { px } from "../shared/format";
import { Splitter } from "../shared/splitter";
import { type PaneSizes, usePaneSizes } from "./pane_sizes";

interface FrameProps {
  /** Null when the left pane is closed. */
  left: ComponentChildren | null;
  /** The left pane shows a graph too, and gets as much room. */
  even: boolean;
  right: ComponentChildren;
  /** Null when the details are closed. */
  details: ComponentChildren | null;
  /** The Escape key in details that lie over the panes. */
  onCloseDetails(): void;
}

/** The panes side by side and the details beside or over them; what lies between is draggable. */
export function Frame({ left, even, right, details, onCloseDetails }: FrameProps) {
  const body = useRef<HTMLDivElement>(null);
  const shown = { left: left !== null, even, details: details !== null };
  const sizes = usePaneSizes(body, shown);
  return (
    <div ref={body} class="ov-graph-body">
      <div class={`ov-graph-panes${sizes.stacked ? " ov-column" : ""}`}>
        {left !== null && <LeftSide sizes={sizes}>{left}</LeftSide>}
        <div class="ov-pane ov-graph-stage">{right}</div>
      </div>
      {details !== null && (
        <DetailsSide key={sizes.drawer ? "over" : "beside"} sizes={sizes} onClose={onCloseDetails}>
          {details}
        </DetailsSide>
      )}
    </div>
  );
}

function LeftSide({ sizes, children }: { sizes: PaneSizes; children: ComponentChildren }) {
  const { stacked, left, width, height } = sizes;
  return (
    <>
      <div class="ov-pane ov-graph-left" style={{ [stacked ? "height" : "width"]: px(left) }}>
        {children}
      </div>
      <Splitter
        label="Size of the left pane"
        orientation={stacked ? "horizontal" : "vertical"}
        size={left}
        minimum={stacked ? 60 : 140}
        maximum={stacked ? height - 140 : width - 220}
        onSize={sizes.setLeft}
        testid="graph-divider"
      />
    </>
  );
}

interface DetailsSideProps {
  sizes: PaneSizes;
  children: ComponentChildren;
  onClose(): void;
}

/** The details beside the panes, as a drawer over one of them, or as a sheet over the lower part. */
function DetailsSide({ sizes, children, onClose }: DetailsSideProps) {
  const { drawer, stacked, overLeft, details, width } = sizes;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Who asked for them in the bar below wants to read them now.
    if (document.activeElement?.closest(".ov-peek")) element.current?.focus();
  }, []);
  const over = stacked ? "ov-drawer ov-sheet" : `ov-drawer${overLeft ? " ov-drawer-left" : ""}`;
  return (
    <div
      class={drawer ? over : "ov-graph-side"}
      role="group"
      aria-label="Selection"
      onKeyDown={(event) => {
        if (drawer && event.key === "Escape") onClose();
      }}
    >
      {!stacked && (
        <Splitter
          label="Size of the details"
          orientation="vertical"
          size={details}
          minimum={180}
          maximum={drawer ? Math.round(width * 0.8) : width - 360}
          after={!overLeft}
          onSize={sizes.setDetails}
          testid="graph-details-divider"
        />
      )}
      <div
        ref={element}
        class="ov-pane ov-graph-details"
        tabIndex={-1}
        style={stacked ? {} : { width: px(details) }}
      >
        {children}
      </div>
    </div>
  );
}
