/**
 * What the parts of the graph engine hand each other: structure → layout → picture → scene.
 *
 * An *item* is anything drawn as a box: a node by its number in `graph_structure`, a group by
 * `-1 - group`. World coordinates are CSS px at a zoom of 1; y grows downwards.
 */

/** A node (≥ 0) or a group (< 0, see {@link groupItem}). */
export type ItemId = number;

export const groupItem = (group: number): ItemId => -1 - group;
export const itemGroup = (item: ItemId): number => -1 - item;
export const isGroup = (item: ItemId): boolean => item < 0;

/** A box, at its place in the world. */
export interface PlacedItem {
  item: ItemId;
  x: number;
  y: number;
  width: number;
  height: number;
  /** How many open groups are around it. */
  depth: number;
  /** A group that shows what is in it; its header is on top. */
  open: boolean;
}

/**
 * A line between two boxes; it stands for all tensors that go from one to the other.
 *
 * An edge that enters or leaves open groups is drawn in pieces, one in each of them. Where a piece
 * comes from outside, `from` is the open group itself, and the line begins below its header or at
 * its lower edge, at the place where the piece outside ends; likewise `to`.
 */
export interface PlacedEdge {
  from: ItemId;
  to: ItemId;
  /** Numbers of `edge_value`/`edge_to` that it stands for. */
  edges: Int32Array;
  /** x, y, x, y, … in the world. */
  points: Float32Array;
  /**
   * `line` is drawn whole. `stub` is so long that only its two ends are, each with a name;
   * `points` are then the first end's two points and the last end's two.
   */
  shape: "line" | "stub";
  /** From the forward half to the backward half: what is kept for the gradients. */
  crossing: boolean;
}

/** Everything that can be on screen for one set of open groups. */
export interface Picture {
  items: PlacedItem[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

/** What part of the world is on screen: `screen = world * zoom + (x, y)`. */
export interface Viewport {
  x: number;
  y: number;
  zoom: number;
}

/** How far a layout is. */
export interface LayoutProgress {
  done: number;
  total: number;
}

/** Lays out in a worker; one per structure. */
export interface LayoutEngine {
  /**
   * @param open Groups that show what is in them.
   * @param signal Aborting stops the worker's work on it; the promise rejects with `AbortError`.
   */
  layout(
    open: ReadonlySet<number>,
    signal?: AbortSignal,
    onProgress?: (progress: LayoutProgress) => void,
  ): Promise<Picture>;
  dispose(): void;
}

/** How an overlay paints one box. */
export interface ItemPaint {
  /** Any CSS colour; the text on it is chosen for contrast. */
  fill: string;
  /** A short text or symbol beside the colour, so that colour is never alone: `1e-3`, `NaN`. */
  mark: string;
}

/** How an overlay paints one line. */
export interface EdgePaint {
  color: string;
  /** In screen px. */
  width: number;
}

/** A row of the legend: a colour, what it looks like without colour, and what it stands for. */
export interface LegendRow {
  /** Empty where only the mark is drawn. */
  color: string;
  mark: string;
  label: string;
}

/** What colours the picture; null paints nothing. */
export interface Overlay {
  name: string;
  legend: LegendRow[];
  /** Said below the legend: why nothing is coloured, how many tensors were not recorded. */
  notes: string[];
  item(item: ItemId): ItemPaint | null;
  edge(edge: PlacedEdge): EdgePaint | null;
}

/** The scene's colours, as CSS gives them. */
export interface ScenePalette {
  surface: string;
  ink: string;
  muted: string;
  line: string;
  forward: string;
  backward: string;
  groupFill: string;
  select: string;
  hover: string;
  font: string;
}

export interface SceneEvents {
  /** A box was clicked or chosen by keyboard; null is the empty ground. */
  pick?(item: ItemId | null): void;
  /** A group was double-clicked, or its twisty was hit: open or close it. */
  toggle?(item: ItemId): void;
  hover?(item: ItemId | null, edge: PlacedEdge | null): void;
  /** The user panned or zoomed. Not called for what `viewport =` or `reveal` set. */
  move?(viewport: Viewport): void;
}

/** Draws a picture into an element, and is moved about by mouse, touch and keyboard. */
export interface Scene {
  /**
   * Show another picture.
   *
   * @param anchor A box that is in both pictures: its upper left corner stays on screen where it
   *   is. Without one the picture is fitted in.
   * @param near Given if much has opened or closed at once: the box of the new picture that stands
   *   for the anchor, or null. It, or what is in it, is on screen then and can be read.
   */
  show(picture: Picture, anchor?: ItemId | null, near?: ItemId | null): void;
  paint(overlay: Overlay | null): void;
  /** Mark boxes; the first one is where the keyboard is. */
  select(items: readonly ItemId[]): void;
  /** Light up the lines of these edges (numbers as in `PlacedEdge.edges`), whatever is drawn. */
  trace(edges: readonly number[]): void;
  /** Bring a box into view, moving no more than necessary. */
  reveal(item: ItemId): void;
  /**
   * Show the whole picture, or where that would be a thin strip its width, with what is in the
   * middle staying there.
   */
  fit(): void;
  /** Whether all of the picture is on screen. */
  readonly whole: boolean;
  /** Whether some of a box, of an open group its header, is on screen. */
  sees(item: ItemId): boolean;
  /**
   * Put a point of the picture in the middle of the screen, at the zoom there is; no further than
   * to the picture's ends, and not at all in a direction in which all of it is on screen.
   */
  lookAt(x: number, y: number): void;
  viewport: Viewport;
  /** The box nearest to the middle of the screen, and where its middle is on screen. */
  centre(): { item: ItemId; x: number; y: number } | null;
  recolour(palette: ScenePalette): void;
  /** What is on screen now, as a file. */
  svg(): string;
  png(scale: number): Promise<Blob>;
  dispose(): void;
}
