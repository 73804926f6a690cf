import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/**
 * Hear scrolling by hand: wheel, touch, scroll bar or a key that scrolls.
 *
 * Not heard is what the page did itself: scrolling to `placed`, and being cut to what is left when
 * rows go away or the list gets another size.
 *
 * @param placed Where the page itself scrolled to last, in px.
 * @param onScroll Hears where the eye is in rows and parts of a row: at the first row at the top,
 *   at the last one at the bottom, evenly between.
 */
export function useUserScroll(
  ref: { current: HTMLElement | null },
  placed: { current: number | null },
  count: number,
  rowHeight: number,
  headerHeight: number,
  onScroll: ((row: number) => void) | undefined,
): void {
  const handler = useRef(onScroll);
  handler.current = onScroll;
  const size = useRef("");
  const resized = (element: HTMLElement) => {
    size.current = sizeOf(element);
    placed.current = element.scrollTop;
  };
  useLayoutEffect(() => {
    if (ref.current !== null) resized(ref.current);
  }, [count]);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const hear = () => {
      const before = size.current;
      size.current = sizeOf(element);
      const { scrollTop, scrollHeight, clientHeight } = element;
      if (before !== size.current || Math.abs(scrollTop - (placed.current ?? -1)) < 1) return;
      placed.current = null;
      const rows = scrollHeight - headerHeight;
      const hidden = scrollHeight - clientHeight;
      if (hidden <= 0) return;
      const eye = (scrollTop / hidden) * (rows - rowHeight);
      handler.current?.(eye / rowHeight);
    };
    const observer = new ResizeObserver(() => resized(element));
    observer.observe(element);
    element.addEventListener("scroll", hear, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", hear);
    };
  }, [ref, placed, rowHeight, headerHeight]);
}

const sizeOf = ({ scrollHeight, clientHeight }: HTMLElement) => `${scrollHeight}|${clientHeight}`;
