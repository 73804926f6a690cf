// biome-ignore-all lint/a11y/noStaticElementInteractions: roles come in as a property; keys are heard on the list.
// biome-ignore-all lint/a11y/useKeyWithClickEvents: roles come in as a property; keys are heard on the list.
// biome-ignore-all lint/a11y/useAriaPropsSupportedByRole: roles come in as a property; keys are heard on the list.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { px } from "./format";
import { useUserScroll } from "./user_scroll";
import { moveIndex, rowWindow, scrollToShow } from "./virtual";

interface VirtualListProps {
  label: string;
  /** ARIA role of the whole; rows get the one that belongs to it. */
  role: "grid" | "tree" | "listbox";
  count: number;
  rowHeight: number;
  /** Height of `header`, which stays on top while rows scroll. */
  headerHeight?: number;
  header?: ComponentChildren;
  /** Width of rows where they are wider than the pane; it then scrolls sideways. */
  rowWidth?: number;
  /** The selected row; -1 is none. */
  selected: number;
  /** The row to scroll to when `revealKey` changes, where it is not the selected one. */
  revealed?: number;
  /** Scroll to `revealed` although a row is selected. */
  revealsOther?: boolean;
  /** Changes when the selection was made elsewhere and should be brought on screen. */
  revealKey: string;
  selectable?(index: number): boolean;
  onSelect(index: number): void;
  /** Scrolled by hand: the row that the eye is on, with its fraction. */
  onScroll?(row: number): void;
  /** Keys the list does not use itself; return true when used. */
  onKey?(event: KeyboardEvent, index: number): boolean;
  /** Attributes of a row beside its position. */
  rowProps(index: number): RowAttributes;
  renderRow(index: number): ComponentChildren;
  testid: string;
}

/** What a view adds to a row; `data-*` name it for tests. */
export type RowAttributes = {
  class?: string;
  "aria-level"?: number;
  "aria-expanded"?: boolean | undefined;
  [data: `data-${string}`]: string | number | undefined;
};

const ROW_ROLES = { grid: "row", tree: "treeitem", listbox: "option" } as const;
const PAGE_ROWS = 10;

/** A long list of equally high rows of which only those on screen exist. */
export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, headerHeight = 0, selected } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 400 });
  const id = useId();
  const shown = rowWindow(count, rowHeight, view.top, view.height);
  useViewport(scroller, setView);
  const placed = useRef<number | null>(null);
  useUserScroll(scroller, placed, count, rowHeight, headerHeight, props.onScroll);
  const show = (index: number) => {
    if (reveal(scroller.current, index, rowHeight, headerHeight)) {
      placed.current = scroller.current?.scrollTop ?? null;
    }
  };

  const missed = useRef(false);
  const revealSelected = () => {
    const other = props.revealed ?? -1;
    const target = selected >= 0 && !props.revealsOther ? selected : other;
    if (target >= 0) show(target);
  };
  const visible = view.height > 0;

  useLayoutEffect(() => {
    // A list in a hidden view cannot be scrolled; it is when it comes on screen.
    missed.current = scroller.current?.clientHeight === 0;
    if (!missed.current) revealSelected();
  }, [props.revealKey]);
  useLayoutEffect(() => {
    if (visible && missed.current) revealSelected();
    if (visible) missed.current = false;
  }, [visible]);

  const onKeyDown = (event: KeyboardEvent) => {
    const target = targetOfKey(event, props);
    if (target === null) return;
    props.onSelect(target);
    show(target);
  };
  const rows = [];
  for (let index = shown.first; index < shown.end; index += 1) {
    rows.push(<Row key={index} id={`${id}-${index}`} index={index} list={props} />);
  }
  const onScreen = selected >= shown.first && selected < shown.end;
  return (
    <div
      ref={scroller}
      class="ov-list"
      role={props.role}
      aria-label={props.label}
      aria-rowcount={props.role === "grid" ? count : undefined}
      aria-activedescendant={onScreen ? `${id}-${selected}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      data-testid={props.testid}
    >
      <div
        class="ov-list-body"
        role="presentation"
        style={{ height: px(headerHeight + count * rowHeight), minWidth: px(props.rowWidth ?? 0) }}
      >
        {props.header && (
          <div class="ov-list-header" style={{ height: px(headerHeight) }}>
            {props.header}
          </div>
        )}
        {rows}
      </div>
    </div>
  );
}

function Row({ id, index, list }: { id: string; index: number; list: VirtualListProps }) {
  const { rowHeight, headerHeight = 0, selected } = list;
  const { class: className, ...rest } = list.rowProps(index);
  return (
    <div
      id={id}
      role={ROW_ROLES[list.role]}
      aria-rowindex={list.role === "grid" ? index + 1 : undefined}
      aria-selected={index === selected}
      class={`ov-row ${className ?? ""}${index === selected ? " ov-selected" : ""}`}
      style={{ top: px(headerHeight + index * rowHeight), height: px(rowHeight) }}
      onClick={() => (list.selectable?.(index) ?? true) && list.onSelect(index)}
      {...rest}
    >
      {list.renderRow(index)}
    </div>
  );
}

function useViewport(
  ref: { current: HTMLElement | null },
  set: (view: { top: number; height: number }) => void,
): void {
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const read = () => set({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    element.addEventListener("scroll", read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", read);
    };
  }, [ref, set]);
}

/** Scroll a row on screen; whether that took any scrolling. */
function reveal(
  element: HTMLElement | null,
  index: number,
  rowHeight: number,
  headerHeight: number,
): boolean {
  if (element === null) return false;
  const { scrollTop, clientHeight } = element;
  const target = scrollToShow(index, rowHeight, scrollTop, clientHeight, headerHeight);
  if (target === null) return false;
  element.scrollTop = target;
  return true;
}

/** The row a key leads to; null when it leads nowhere or was used otherwise. */
function targetOfKey(event: KeyboardEvent, list: VirtualListProps): number | null {
  const { count, selected, selectable = () => true } = list;
  if (list.onKey?.(event, selected)) {
    event.preventDefault();
    return null;
  }
  const delta = keyDelta(event.key, count);
  if (delta === null || count === 0) return null;
  event.preventDefault();
  const start = selected < 0 && delta > 0 ? -1 : selected;
  const target = moveIndex(count, start, delta, selectable);
  return target === selected || target < 0 ? null : target;
}

function keyDelta(key: string, count: number): number | null {
  switch (key) {
    case "ArrowDown":
      return 1;
    case "ArrowUp":
      return -1;
    case "PageDown":
      return PAGE_ROWS;
    case "PageUp":
      return -PAGE_ROWS;
    case "Home":
      return -count;
    case "End":
      return count;
    default:
      return null;
  }
}
