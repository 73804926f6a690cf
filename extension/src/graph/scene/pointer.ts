import type { Hit } from "./hit";

export interface PointerEvents {
  /** At a point of the host, in CSS px. */
  hover(hit: Hit | null, x: number, y: number): void;
  /** At a point of the host, in CSS px. */
  click(hit: Hit, x: number, y: number): void;
  doubleClick(hit: Hit): void;
}

/**
 * Pointing and clicking.
 *
 * @param hit What is at a point of the host, in CSS px.
 * @returns How to stop.
 */
export function watchPointer(
  host: HTMLElement,
  hit: (x: number, y: number) => Hit,
  events: PointerEvents,
): () => void {
  const listeners = new AbortController();
  const { signal } = listeners;
  const spot = (event: MouseEvent): [number, number] => {
    const box = host.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const at = (event: MouseEvent) => hit(...spot(event));
  let last: MouseEvent | null = null;
  let frame = 0;
  const point = () => {
    frame = 0;
    if (last !== null) events.hover(at(last), ...spot(last));
  };
  host.addEventListener(
    "mousemove",
    (event) => {
      last = event;
      if (frame === 0) frame = requestAnimationFrame(point);
    },
    { signal },
  );
  host.addEventListener(
    "mouseleave",
    () => {
      last = null;
      events.hover(null, 0, 0);
    },
    { signal },
  );
  host.addEventListener("click", (event) => events.click(at(event), ...spot(event)), { signal });
  host.addEventListener("dblclick", (event) => events.doubleClick(at(event)), { signal });
  return () => {
    listeners.abort();
    cancelAnimationFrame(frame);
  };
}
