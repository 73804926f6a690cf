import { type Signal, signal } from "@preact/signals";
import type { GraphStructure } from "../../graph/structure";
import { groupItem, isGroup, itemGroup } from "../../graph/types";
import { ancestorNames } from "../modules";
import { eyeOf } from "./follow";
import type { GraphPane } from "./pane";

type Half = GraphStructure["groups"][number]["half"];

interface Centre {
  module: string | null;
  count: number;
}

/**
 * The module tree and the graph panes go together: each goes where the other was moved by hand.
 *
 * Neither hears what is done to it from here, so they cannot push each other in circles.
 */
export class TreeFollow {
  /** What the graph's middle shows; the tree scrolls there whenever `count` grows. */
  readonly centre: Signal<Centre> = signal({ module: null, count: 0 });
  #treeMoved = false;
  /** The half that the tree leads through, until a graph is moved by hand. */
  #half: Half | null = null;

  /** A graph was moved by hand, and has a module in its middle. */
  graphMoved(module: string | null): void {
    this.#half = null;
    const before = this.centre.peek();
    if (!this.#treeMoved && before.module === module) return;
    this.#treeMoved = false;
    this.centre.value = { module, count: before.count + 1 };
  }

  /**
   * The tree was scrolled by hand: look where it looks.
   *
   * @param above The module that its eye is on.
   * @param below The one after it.
   * @param part How far the eye is from the one to the other, 0 to 1.
   */
  treeMoved(panes: readonly GraphPane[], above: string, below: string, part: number): void {
    this.#treeMoved = true;
    for (const pane of panes) {
      this.#half ??= shownHalf(pane);
      const from = placeOf(pane, above, this.#half) ?? placeOf(pane, below, this.#half);
      const to = placeOf(pane, below, this.#half) ?? from;
      if (from === null || to === null) continue;
      pane.scene?.lookAt(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part);
    }
  }
}

/** The half that is in the middle of a pane. */
function shownHalf(pane: GraphPane): Half | null {
  const structure = pane.structure.peek();
  const item = pane.scene?.centre()?.item;
  if (structure === null || item === undefined) return null;
  const [first] = isGroup(item) ? [itemGroup(item)] : structure.nodePath(item);
  return first === undefined ? null : structure.group(first).half;
}

/** Where a module stands in the picture: itself, what it is in, or the module around it. */
function placeOf(
  pane: GraphPane,
  module: string,
  half: Half | null,
): { x: number; y: number } | null {
  const structure = pane.structure.peek();
  if (structure === null) return null;
  for (const name of [module, ...ancestorNames(module)]) {
    const groups = structure.groupsOfModule(name);
    const group = groups.find((each) => structure.group(each).half === half) ?? groups[0];
    const placed = group === undefined ? null : pane.placed(pane.visible(groupItem(group)));
    if (placed === null) continue;
    return { x: placed.x + placed.width / 2, y: placed.y + eyeOf(placed) };
  }
  return null;
}
