/**
 * Which lines are drawn where, for a set of open groups.
 *
 * An edge from one box to another runs through every open group around either of them: out of it
 * below, into it above. Each *level* (an open group, or the graph) gets its own piece.
 */
import { groupItem } from "../types";
import type { LayoutInput } from "./messages";

/** Numbers of {@link Levels.pieces} that make one piece. */
export const PIECE = 4;

export interface Levels {
  /** Open groups that can be seen, parents first; -1, the graph, leads. */
  shown: number[];
  /**
   * By group + 1: from item, to item, value, edge, from item, … . The group itself as one end is
   * its border: the piece comes from outside, or leads there.
   */
  pieces: number[][];
  /** From item, to item, edge: what goes from one half to the other. */
  crossing: number[];
}

/** What a layout needs to know of groups for one set of open ones. */
export interface Visibility {
  /** By group: 1 where it is open and can be seen. */
  shown: Uint8Array;
  /** By group: the closed group that hides what is in it; -1 where that can be seen. */
  hiddenBy: Int32Array;
  depth: Int32Array;
  /** By group: the half around it, itself included; -1 where there is none. */
  half: Int32Array;
}

export function visibility(input: LayoutInput, open: Int32Array): Visibility {
  const count = input.groupParent.length;
  const opened = new Uint8Array(count);
  for (const group of open) if (group >= 0 && group < count) opened[group] = 1;
  const shown = new Uint8Array(count);
  const hiddenBy = new Int32Array(count).fill(-1);
  const depth = new Int32Array(count);
  const half = new Int32Array(count).fill(-1);
  for (let group = 0; group < count; group += 1) {
    const parent = input.groupParent[group] as number;
    depth[group] = parent < 0 ? 1 : (depth[parent] as number) + 1;
    half[group] = parent < 0 ? -1 : (half[parent] as number);
    if (parent < 0 && input.groupHalf[group] !== 0) half[group] = group;
    const parentShown = parent < 0 || shown[parent] === 1;
    if (!parentShown) hiddenBy[group] = hiddenBy[parent] as number;
    else if (opened[group] === 1) shown[group] = 1;
    else hiddenBy[group] = group;
  }
  return { shown, hiddenBy, depth, half };
}

/** Cut every edge into the pieces of its levels. */
export function cutIntoLevels(input: LayoutInput, seen: Visibility): Levels {
  const pieces: number[][] = Array.from({ length: input.groupParent.length + 1 }, () => []);
  const shown = [-1];
  for (let group = 0; group < seen.shown.length; group += 1) {
    if (seen.shown[group] === 1) shown.push(group);
  }
  const crossing: number[] = [];
  for (let edge = 0; edge < input.edgeTo.length; edge += 1) {
    const value = input.edgeValue[edge] as number;
    const maker = input.valueNode[value] as number;
    const user = input.edgeTo[edge] as number;
    const from = boxOf(input, seen, maker);
    const to = boxOf(input, seen, user);
    if (from === to && maker !== user) continue;
    if (from === to && from < 0) continue;
    const fromHalf = halfOf(input, seen, maker);
    const toHalf = halfOf(input, seen, user);
    if (fromHalf >= 0 && toHalf >= 0 && fromHalf !== toHalf) crossing.push(from, to, edge);
    else cut(input, seen, pieces, from, to, value, edge);
  }
  return { shown, pieces, crossing };
}

function cut(
  input: LayoutInput,
  seen: Visibility,
  pieces: number[][],
  from: number,
  to: number,
  value: number,
  edge: number,
): void {
  let above = from;
  let below = to;
  let aboveIn = containerOf(input, above);
  let belowIn = containerOf(input, below);
  while (aboveIn !== belowIn) {
    if (depthOf(seen, aboveIn) >= depthOf(seen, belowIn)) {
      pieces[aboveIn + 1]?.push(above, groupItem(aboveIn), value, edge);
      above = groupItem(aboveIn);
      aboveIn = input.groupParent[aboveIn] as number;
    } else {
      pieces[belowIn + 1]?.push(groupItem(belowIn), below, value, edge);
      below = groupItem(belowIn);
      belowIn = input.groupParent[belowIn] as number;
    }
  }
  pieces[aboveIn + 1]?.push(above, below, value, edge);
}

function boxOf(input: LayoutInput, seen: Visibility, node: number): number {
  const group = input.nodeGroup[node] as number;
  const hider = group < 0 ? -1 : (seen.hiddenBy[group] as number);
  return hider < 0 ? node : groupItem(hider);
}

function halfOf(input: LayoutInput, seen: Visibility, node: number): number {
  const group = input.nodeGroup[node] as number;
  return group < 0 ? -1 : (seen.half[group] as number);
}

/** The group around a box; -1 is the graph. */
function containerOf(input: LayoutInput, item: number): number {
  return (item < 0 ? input.groupParent[-1 - item] : input.nodeGroup[item]) as number;
}

const depthOf = (seen: Visibility, group: number): number =>
  group < 0 ? 0 : (seen.depth[group] as number);
