/** Measures of what is drawn, in world px; layout reserves them and the scene keeps to them. */

/** A node: one line, the operator. */
export const NODE_HEIGHT = 26;
export const NODE_FONT = 12;
export const NODE_PADDING = 10;
export const NODE_MIN_WIDTH = 44;
export const NODE_MAX_WIDTH = 180;

/** An input or output of the graph: a pill with its name. */
export const PILL_HEIGHT = 20;
export const PILL_FONT = 11;
export const PILL_PADDING = 10;
export const PILL_MAX_WIDTH = 170;

/** A closed group: its label, and below it what is in it. */
export const GROUP_HEIGHT = 44;
export const GROUP_FONT = 13;
export const GROUP_NOTE_FONT = 11;
export const GROUP_PADDING = 12;
export const GROUP_MIN_WIDTH = 96;
export const GROUP_MAX_WIDTH = 240;

/** What the sign for opening and closing takes, left of a group's label. */
export const TWISTY_WIDTH = 16;

/** An open group: its header, and the space around what is in it. */
export const HEADER_HEIGHT = 24;
export const OPEN_PADDING = 14;

/** Lines turn their corners with this radius. */
export const CORNER_RADIUS = 5;
/** Length of each end of a stub. */
export const STUB_LENGTH = 12;

/** Between the forward and the backward half, where the kept activations go across. */
export const HALVES_GAP = 90;
