import type { GraphStructure } from "../structure";
import type { ItemPaint, LegendRow } from "../types";
import { countClasses } from "./fold";

/** A kind of node: its colour, the letter that stands for it without colour, and its name. */
export interface NodeClass {
  label: string;
  color: string;
  mark: string;
  /** Says little about a group that has other kinds too. */
  plain?: boolean;
}

/** So many kinds of a group are named on it, most frequent first. */
const NAMED = 3;

/** Paints for nodes that are each of one class, and for the groups that they are in. */
export class Classes {
  readonly #counts: Int32Array;
  readonly #nodePaints: ItemPaint[];

  /**
   * @param classOf By node: number of its class, −1 for none.
   * @param markOf The mark of one node, where it is another than that of its class.
   */
  constructor(
    structure: GraphStructure,
    readonly classes: readonly NodeClass[],
    readonly classOf: ArrayLike<number>,
    readonly markOf?: (node: number) => string | null,
  ) {
    this.#counts = countClasses(structure, classOf, classes.length);
    this.#nodePaints = classes.map(({ color, mark }) => ({ fill: color, mark }));
  }

  node(node: number): ItemPaint | null {
    const paint = this.#nodePaints[this.classOf[node] ?? -1] ?? null;
    const mark = paint === null ? null : (this.markOf?.(node) ?? null);
    return paint === null || mark === null ? paint : { ...paint, mark };
  }

  /** The most frequent telling class gives the colour; the mark counts the most frequent ones. */
  group(group: number): ItemPaint | null {
    const base = group * this.classes.length;
    const found = this.classes
      .map((entry, index) => ({ ...entry, count: this.#counts[base + index] ?? 0 }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => Number(a.plain ?? false) - Number(b.plain ?? false) || b.count - a.count);
    const [first] = found;
    if (first === undefined) return null;
    const marks = found.slice(0, NAMED).map(({ mark, count }) => `${mark} ${count}`);
    return { fill: first.color, mark: `${marks.join("  ")}${found.length > NAMED ? " …" : ""}` };
  }

  /** One row a class that there is, with how many nodes have it. */
  legend(): LegendRow[] {
    const counts = new Int32Array(this.classes.length);
    for (let node = 0; node < this.classOf.length; node += 1) {
      const kind = this.classOf[node] as number;
      if (kind >= 0) counts[kind] = (counts[kind] as number) + 1;
    }
    return this.classes.flatMap(({ color, mark, label }, index) => {
      const count = counts[index] as number;
      return count === 0
        ? []
        : [{ color, mark, label: `${label}: ${count.toLocaleString("en-US")}` }];
    });
  }
}
