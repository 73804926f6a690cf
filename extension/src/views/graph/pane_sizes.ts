import { useState } from "preact/hooks";
import { useSize } from "../shared/use_size";

/** Narrower than this the panes stand below each other. */
export const STACKED_BELOW_PX = 600;
/**
 * Narrower than this the details are shown only when asked for: over the left pane where that
 * stands beside the picture, over the picture's lower part where the panes stand below each other.
 */
export const DRAWER_BELOW_PX = 900;

/** Sizes the user has set, in px. */
type Sizes = Partial<Record<"left" | "top" | "side" | "drawer", number>>;

/** Where the parts of the Graph view stand, and how large they are in px. */
export interface PaneSizes {
  width: number;
  height: number;
  stacked: boolean;
  drawer: boolean;
  /** The drawer lies over the left pane. */
  overLeft: boolean;
  /** Width of the left pane, or its height where the panes are stacked. */
  left: number;
  details: number;
  setLeft(size: number): void;
  setDetails(size: number): void;
}

/**
 * @param body The element around the panes.
 * @param shown What there is besides the picture; with `even` the left pane gets half of the room.
 */
export function usePaneSizes(
  body: { current: HTMLElement | null },
  shown: { left: boolean; even: boolean; details: boolean },
): PaneSizes {
  const { width, height } = useSize(body);
  const [own, setOwn] = useState<Sizes>({});
  const stacked = width > 0 && width < STACKED_BELOW_PX;
  const drawer = width > 0 && width < DRAWER_BELOW_PX;
  const overLeft = drawer && shown.left && !stacked;
  const details = drawer
    ? Math.min(own.drawer ?? 340, Math.round(width * 0.8))
    : (own.side ?? Math.min(360, Math.max(260, Math.round(width * 0.22))));
  const room = drawer || !shown.details ? width : width - details;
  const left = stacked
    ? (own.top ?? Math.round(height * (shown.even ? 0.42 : 0.45)))
    : (own.left ?? (shown.even ? Math.round(room / 2) : Math.min(440, Math.round(room * 0.4))));
  return {
    ...{ width, height, stacked, drawer, overLeft, left },
    details: overLeft && own.drawer === undefined ? Math.max(left, 260) : details,
    setLeft: (size) => setOwn({ ...own, [stacked ? "top" : "left"]: size }),
    setDetails: (size) => setOwn({ ...own, [drawer ? "drawer" : "side"]: size }),
  };
}
