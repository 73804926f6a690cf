import type { Hit } from "./hit";

export interface PointerEvents {
  hover(hit: Hit | null): void;
  click(hit: Hit): void;
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
  const at = (event: MouseEvent) => {
    const box = host.getBoundingClientRect();
    return hit(event.clientX - box.left, event.clientY - box.top);
  };
  let last: MouseEvent | null = null;
  let frame = 0;
  const point = () => {
    frame = 0;
    if (last !== null) events.hover(at(last));
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
      events.hover(null);
    },
    { signal },
  );
  host.addEventListener("click", (event) => events.click(at(event)), { signal });
  host.addEventListener("dblclick", (event) => events.doubleClick(at(event)), { signal });
  return () => {
    listeners.abort();
    cancelAnimationFrame(frame);
  };
}
