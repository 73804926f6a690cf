import { useEffect, useRef } from "preact/hooks";

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
  rowHeight: number,
  headerHeight: number,
  onScroll: ((row: number) => void) | undefined,
): void {
  const handler = useRef(onScroll);
  handler.current = onScroll;
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    let size = sizeOf(element);
    const hear = () => {
      const before = size;
      size = sizeOf(element);
      const { scrollTop, scrollHeight, clientHeight } = element;
      if (before !== size || Math.abs(scrollTop - (placed.current ?? -1)) < 1) return;
      placed.current = null;
      const rows = scrollHeight - headerHeight;
      const hidden = scrollHeight - clientHeight;
      if (hidden <= 0) return;
      const eye = (scrollTop / hidden) * (rows - rowHeight);
      handler.current?.(eye / rowHeight);
    };
    element.addEventListener("scroll", hear, { passive: true });
    return () => element.removeEventListener("scroll", hear);
  }, [ref, placed, rowHeight, headerHeight]);
}

const sizeOf = ({ scrollHeight, clientHeight }: HTMLElement) => `${scrollHeight}|${clientHeight}`;
