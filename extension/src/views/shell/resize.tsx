import { useRef } from "preact/hooks";

export const MIN_HEIGHT_PX = 320;
const KEY_STEP_PX = 40;

/** The bar at the lower edge with which the user sets the height, by pointer or arrow keys. */
export function ResizeHandle(props: { height: number; onHeight(height: number): void }) {
  const start = useRef<{ y: number; height: number } | null>(null);
  const set = (height: number) => props.onHeight(Math.max(MIN_HEIGHT_PX, Math.round(height)));
  return (
    <div
      class="ov-resize"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the debugger"
      aria-valuenow={props.height}
      aria-valuemin={MIN_HEIGHT_PX}
      tabIndex={0}
      data-testid="resize-handle"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { y: event.clientY, height: props.height };
      }}
      onPointerMove={(event) => {
        if (start.current) set(start.current.height + event.clientY - start.current.y);
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onKeyDown={(event) => {
        if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
        event.preventDefault();
        set(props.height + (event.key === "ArrowDown" ? KEY_STEP_PX : -KEY_STEP_PX));
      }}
    />
  );
}
