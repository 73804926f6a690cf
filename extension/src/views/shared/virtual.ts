/** Rows drawn beyond either edge, so that a quick scroll shows no gaps. */
const OVERSCAN_ROWS = 6;

/** The rows from `first` up to but not including `end` are drawn. */
export interface RowWindow {
  first: number;
  end: number;
}

/** Which of `count` rows of one fixed height are on screen. */
export function rowWindow(
  count: number,
  rowHeight: number,
  scrollTop: number,
  viewportHeight: number,
): RowWindow {
  const first = Math.floor(scrollTop / rowHeight) - OVERSCAN_ROWS;
  const end = Math.ceil((scrollTop + viewportHeight) / rowHeight) + OVERSCAN_ROWS;
  return { first: Math.min(Math.max(0, first), count), end: Math.min(count, Math.max(0, end)) };
}

/**
 * Where to scroll so that a row is wholly on screen, moving as little as possible.
 *
 * @param headerHeight Of the part at the top that covers rows.
 * @returns The new scroll position; null when the row is on screen already.
 */
export function scrollToShow(
  index: number,
  rowHeight: number,
  scrollTop: number,
  viewportHeight: number,
  headerHeight = 0,
): number | null {
  const top = index * rowHeight;
  if (top < scrollTop) return top;
  const room = viewportHeight - headerHeight;
  if (top + rowHeight > scrollTop + room) return Math.max(0, top + rowHeight - room);
  return null;
}

/** The next index that can be selected, skipping those that cannot; stays at the ends. */
export function moveIndex(
  count: number,
  index: number,
  delta: number,
  selectable: (index: number) => boolean,
): number {
  const direction = Math.sign(delta);
  let best = index;
  let left = Math.abs(delta);
  for (let at = index + direction; at >= 0 && at < count && left > 0; at += direction) {
    if (!selectable(at)) continue;
    best = at;
    left -= 1;
  }
  return best;
}
