/** What the page and the layout worker say to each other. */

/** A structure as layout needs it. By node, by group, by value and by edge. */
export interface LayoutInput {
  nodeWidth: Float32Array;
  nodeHeight: Float32Array;
  /** -1 stands in none. */
  nodeGroup: Int32Array;
  groupParent: Int32Array;
  /** While closed. */
  groupWidth: Float32Array;
  /** 0 none, 1 forward, 2 backward: what this group is. */
  groupHalf: Uint8Array;
  /** 1 where the group belongs to the backward pass, whose lines run upwards. */
  groupBackward: Uint8Array;
  /** 1 where a group holds equal modules that run one after the other. */
  groupRepeats: Uint8Array;
  /** The node whose body a group is; -1 where it is none. */
  groupOwner: Int32Array;
  /** The group of the other half that it belongs beside; -1 where there is none. */
  groupTwin: Int32Array;
  /** Children of group `g` are `childItems[childStarts[g + 1]] …`; `g` = -1 is the graph. */
  childStarts: Int32Array;
  childItems: Int32Array;
  valueNode: Int32Array;
  edgeValue: Int32Array;
  edgeTo: Int32Array;
}

/** A picture in arrays that move between threads without a copy. */
export interface PackedPicture {
  width: number;
  height: number;
  /** By item: number, then x, y, width, height, then depth, then 1 where open. */
  item: Int32Array;
  box: Float32Array;
  depth: Uint8Array;
  open: Uint8Array;
  /** By line. Lists end where `*Ends` says. */
  from: Int32Array;
  to: Int32Array;
  /** 1 stub, 2 crossing. */
  flags: Uint8Array;
  edgeEnds: Int32Array;
  edges: Int32Array;
  pointEnds: Int32Array;
  points: Float32Array;
}

export const STUB = 1;
export const CROSSING = 2;

export type ToWorker =
  | { type: "warm" }
  | { type: "structure"; input: LayoutInput }
  | { type: "layout"; id: number; open: Int32Array }
  | { type: "cancel"; id: number };

export type FromWorker =
  | { type: "ready" }
  | { type: "progress"; id: number; done: number; total: number }
  | { type: "done"; id: number; picture: PackedPicture }
  | { type: "cancelled"; id: number }
  | { type: "failed"; id: number; message: string };

/** The buffers of a picture, to be handed over. */
export function buffersOf(picture: PackedPicture): ArrayBuffer[] {
  return Object.values(picture).flatMap((part) =>
    ArrayBuffer.isView(part) ? [part.buffer as ArrayBuffer] : [],
  );
}
