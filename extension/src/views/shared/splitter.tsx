import { useRef } from "preact/hooks";

const KEY_STEP_PX = 24;

interface SplitterProps {
  label: string;
  /** `vertical` stands between two panes side by side. */
  orientation: "vertical" | "horizontal";
  /** Size in px of the part that it sets. */
  size: number;
  minimum: number;
  maximum: number;
  /** The part lies after the splitter: dragging towards it makes it smaller. */
  after?: boolean;
  onSize(size: number): void;
  testid?: string;
}

/** A bar between two parts, moved by pointer or arrow keys. */
export function Splitter(props: SplitterProps) {
  const { orientation, size, minimum, maximum, after = false } = props;
  const start = useRef<{ at: number; size: number } | null>(null);
  const place = (event: PointerEvent) =>
    orientation === "vertical" ? event.clientX : event.clientY;
  const set = (wanted: number) =>
    props.onSize(Math.round(Math.min(Math.max(minimum, maximum), Math.max(minimum, wanted))));
  const sign = after ? -1 : 1;
  return (
    <div
      class={`ov-splitter ov-splitter-${orientation}`}
      role="separator"
      aria-orientation={orientation}
      aria-label={props.label}
      aria-valuenow={size}
      aria-valuemin={minimum}
      aria-valuemax={maximum}
      tabIndex={0}
      data-testid={props.testid}
      onPointerDown={(event) => {
        event.preventDefault();
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { at: place(event), size };
      }}
      onPointerMove={(event) => {
        const from = start.current;
        if (from !== null) set(from.size + sign * (place(event) - from.at));
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
      onKeyDown={(event) => {
        const direction = KEY_DIRECTIONS[orientation][event.key];
        if (direction === undefined) return;
        event.preventDefault();
        set(size + sign * direction * KEY_STEP_PX);
      }}
    />
  );
}

const KEY_DIRECTIONS: Record<SplitterProps["orientation"], Record<string, number>> = {
  vertical: { ArrowLeft: -1, ArrowRight: 1 },
  horizontal: { ArrowUp: -1, ArrowDown: 1 },
};
