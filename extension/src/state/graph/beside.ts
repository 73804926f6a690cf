import type { GraphStructure } from "../../graph/structure";
import { centreOthers } from "./follow";
import type { GraphInspector } from "./inspector";
import type { GraphPane } from "./pane";

/**
 * Panes that come together show the same: one leads, the others open what it has open and go to
 * its place once all of them are drawn.
 */
export class Beside {
  /** Whose place the others take; null if none has to. */
  #leader: GraphPane | null = null;

  constructor(private readonly inspector: GraphInspector) {}

  /** Whether a pane is about to go to the place of another one. */
  leads(pane: GraphPane): GraphPane | null {
    return this.#leader === pane ? null : this.#leader;
  }

  /** Somebody moves a pane elsewhere. */
  forget(): void {
    this.#leader = null;
  }

  /** What is to be open in a structure that a pane is about to show. */
  opened(
    pane: GraphPane,
    structure: GraphStructure,
    open: ReadonlySet<number>,
  ): ReadonlySet<number> {
    const { follow, panes } = this.inspector;
    const other = panes.find((each) => each !== pane && each.structure.peek() !== null);
    const shown = other?.structure.peek() ?? null;
    if (!follow.peek() || !panes.includes(pane) || other === undefined || shown === null) {
      return open;
    }
    this.#leader = other;
    return openAs(structure, open, shown, other.open);
  }

  /** All that is on screen goes to where one pane is, now or once it is drawn. */
  gather(leader: GraphPane): void {
    const { follow, panes } = this.inspector;
    if (!follow.peek() || panes.length < 2) return;
    this.#leader = leader;
    this.settled();
  }

  /** A pane has settled. */
  settled(): void {
    if (this.#leader === null || !this.#allSettled()) return;
    // By then the panes have the room that they will have.
    requestAnimationFrame(() => {
      const leader = this.#leader;
      if (leader === null || !this.#allSettled()) return;
      this.#leader = null;
      if (!leader.scene?.whole) centreOthers(this.inspector, leader);
      else for (const pane of this.inspector.panes) if (pane !== leader) pane.scene?.fit();
    });
  }

  #allSettled(): boolean {
    return this.inspector.panes.every((pane) => pane.isSettled);
  }
}

/**
 * The groups to open in a structure so that it shows what another one does.
 *
 * What the other one has not stays as it is, unless something is to be seen in it.
 *
 * @param own Groups that are open in the structure.
 * @param open Groups that are open in the other one.
 */
export function openAs(
  structure: GraphStructure,
  own: ReadonlySet<number>,
  other: GraphStructure,
  open: ReadonlySet<number>,
): Set<number> {
  const found = new Set<number>();
  const without: number[] = [];
  for (const group of structure.groups.keys()) {
    const there = sameGroup(structure, group, other);
    if (there === undefined) without.push(group);
    else if (open.has(there)) found.add(group);
  }
  const around = new Set([...found].flatMap((group) => structure.groupPath(group)));
  for (const group of without) if (own.has(group) || around.has(group)) found.add(group);
  return found;
}

/** A group of another stage; what is around a module may differ there, and so its key. */
function sameGroup(
  structure: GraphStructure,
  group: number,
  other: GraphStructure,
): number | undefined {
  const byKey = other.groupByKey(structure.groupKey(group));
  const { module, half, kind } = structure.group(group);
  if (byKey !== undefined || !module || kind !== "module") return byKey;
  return other.groupsOfModule(module).find((each) => other.group(each).half === half);
}
