/** One stage as a hierarchy: what `graph_structure` answered, indexed. */
import type { Decoded, GraphStructureView, GroupRow, OpRow } from "../protocol";
import { type Csr, groupBy, listOf } from "./csr";
import { groupKeys } from "./group_keys";
import { initiallyOpen } from "./initially_open";
import { StringTable } from "./string_table";
import { groupItem, type ItemId, isGroup, itemGroup } from "./types";

/** The group that is the graph itself. */
export const ROOT = -1;

/** Never changes; what is not asked for is not made. */
export class GraphStructure {
  readonly mode: GraphStructureView["mode"];
  readonly stage: GraphStructureView["stage"];
  readonly notes: readonly string[];
  readonly groups: readonly GroupRow[];
  readonly ops: readonly OpRow[];
  readonly fileNodeCount: number;
  readonly nodeCount: number;
  readonly valueCount: number;
  readonly edgeCount: number;
  /** By node; see `GraphStructureView`. */
  readonly nodeOp: Int32Array;
  readonly nodeKind: Uint8Array;
  readonly nodeGroup: Int32Array;
  /** By value. */
  readonly valueNode: Int32Array;
  /** By edge. */
  readonly edgeValue: Int32Array;
  readonly edgeTo: Int32Array;
  readonly nodeNames: StringTable;
  readonly valueNames: StringTable;
  readonly #lazy: {
    children?: ItemId[][];
    outputs?: Csr;
    uses?: Csr;
    inputs?: Csr;
    keys?: { keys: string[]; byKey: Map<string, number> };
    modules?: Map<string, number[]>;
    nodesByGroup?: Csr;
  } = {};

  constructor(answer: Decoded<GraphStructureView>) {
    this.mode = answer.mode;
    this.stage = answer.stage;
    this.notes = answer.notes;
    this.groups = answer.groups;
    this.ops = answer.ops;
    this.fileNodeCount = answer.file_node_count;
    this.nodeOp = answer.node_op.values as Int32Array;
    this.nodeKind = answer.node_kind.values as Uint8Array;
    this.nodeGroup = answer.node_group.values as Int32Array;
    this.valueNode = answer.value_node.values as Int32Array;
    this.edgeValue = answer.edge_value.values as Int32Array;
    this.edgeTo = answer.edge_to.values as Int32Array;
    this.nodeNames = new StringTable(answer.node_names);
    this.valueNames = new StringTable(answer.value_names);
    this.nodeCount = this.nodeOp.length;
    this.valueCount = this.valueNode.length;
    this.edgeCount = this.edgeTo.length;
  }

  /** @throws RangeError for a group that there is not. */
  group(group: number): GroupRow {
    const row = this.groups[group];
    if (row === undefined) {
      throw new RangeError(`The graph has no group ${group}; it has ${this.groups.length}.`);
    }
    return row;
  }

  nodeName(node: number): string {
    return this.nodeNames.get(node);
  }

  valueName(value: number): string {
    return this.valueNames.get(value);
  }

  /** What is directly in a group, or in the graph ({@link ROOT}), by first node. */
  children(group: number): readonly ItemId[] {
    this.#lazy.children ??= sortedChildren(this.groups, this.#nodesByGroup());
    return this.#lazy.children[group + 1] ?? [];
  }

  /** The groups around a group, itself last. */
  groupPath(group: number): number[] {
    const path: number[] = [];
    for (let at = group; at >= 0; at = this.group(at).parent) path.push(at);
    return path.reverse();
  }

  /** The groups around a node, the innermost last. */
  nodePath(node: number): number[] {
    return this.groupPath(this.nodeGroup[node] ?? ROOT);
  }

  /** The group around a box; {@link ROOT} where there is none. */
  parentOf(item: ItemId): number {
    return isGroup(item) ? this.group(itemGroup(item)).parent : (this.nodeGroup[item] ?? ROOT);
  }

  /** All nodes in a group, and in the groups in it. */
  nodesIn(group: number): number[] {
    const byGroup = this.#nodesByGroup();
    const nodes: number[] = [];
    const pending = [group];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      for (const node of listOf(byGroup, at + 1)) nodes.push(node);
      for (const item of this.children(at)) if (isGroup(item)) pending.push(itemGroup(item));
    }
    return nodes.sort((a, b) => a - b);
  }

  /** The box that stands for a node while these groups are open. */
  visibleItem(node: number, open: ReadonlySet<number>): ItemId {
    const closed = this.nodePath(node).find((group) => !open.has(group));
    return closed === undefined ? node : groupItem(closed);
  }

  /** The node that makes a value. */
  producer(value: number): number {
    return this.valueNode[value] ?? -1;
  }

  /** The edges that use a value: numbers for {@link edgeTo}. */
  usesOf(value: number): Int32Array {
    this.#lazy.uses ??= groupBy(this.edgeValue, this.valueCount);
    return listOf(this.#lazy.uses, value);
  }

  /** The nodes that use a value, one entry a use. */
  consumers(value: number): number[] {
    return Array.from(this.usesOf(value), (edge) => this.edgeTo[edge] as number);
  }

  /** The values a node makes. */
  outputsOf(node: number): Int32Array {
    this.#lazy.outputs ??= groupBy(this.valueNode, this.nodeCount);
    return listOf(this.#lazy.outputs, node);
  }

  /** The edges that end at a node: numbers for {@link edgeValue}. */
  edgesInto(node: number): Int32Array {
    this.#lazy.inputs ??= groupBy(this.edgeTo, this.nodeCount);
    return listOf(this.#lazy.inputs, node);
  }

  /** The groups of a module; more than one where it has a backward half or was called again. */
  groupsOfModule(module: string): readonly number[] {
    if (this.#lazy.modules === undefined) {
      this.#lazy.modules = new Map();
      for (const [index, { module: name }] of this.groups.entries()) {
        if (name === null) continue;
        const known = this.#lazy.modules.get(name);
        if (known === undefined) this.#lazy.modules.set(name, [index]);
        else known.push(index);
      }
    }
    return this.#lazy.modules.get(module) ?? [];
  }

  /** The nodes of a module, its children's included, both halves. */
  nodesOfModule(module: string): number[] {
    const nodes = new Set(this.groupsOfModule(module).flatMap((group) => this.nodesIn(group)));
    return [...nodes].sort((a, b) => a - b);
  }

  /** A group's name that holds from stage to stage: `forward/module:blocks/module:blocks.0`. */
  groupKey(group: number): string {
    return this.#keys().keys[group] ?? "";
  }

  groupByKey(key: string): number | undefined {
    return this.#keys().byKey.get(key);
  }

  /** Names are looked up in slices the first time, so this is a promise. */
  async nodesNamed(name: string): Promise<readonly number[]> {
    return (await this.nodeNames.places()).get(name) ?? [];
  }

  async valueNamed(name: string): Promise<number | undefined> {
    return (await this.valueNames.places()).get(name)?.[0];
  }

  /** The groups that the first picture shows open. */
  initiallyOpen(): Set<number> {
    return initiallyOpen(this);
  }

  #keys(): { keys: string[]; byKey: Map<string, number> } {
    this.#lazy.keys ??= groupKeys(this.groups, (node) => this.nodeName(node));
    return this.#lazy.keys;
  }

  /** List `group + 1` has a group's own nodes; list 0 those in none. */
  #nodesByGroup(): Csr {
    this.#lazy.nodesByGroup ??= groupBy(
      this.nodeGroup.map((group) => group + 1),
      this.groups.length + 1,
    );
    return this.#lazy.nodesByGroup;
  }
}

/** By group + 1: groups and nodes in it, in the order of their first nodes; empty ones last. */
function sortedChildren(groups: readonly GroupRow[], nodesByGroup: Csr): ItemId[][] {
  const children: ItemId[][] = Array.from({ length: groups.length + 1 }, (_, list) =>
    Array.from(listOf(nodesByGroup, list)),
  );
  const firstNode = new Float64Array(groups.length + 1);
  for (let list = 0; list <= groups.length; list += 1) {
    firstNode[list] = (children[list] as ItemId[])[0] ?? Number.POSITIVE_INFINITY;
  }
  for (let group = groups.length - 1; group >= 0; group -= 1) {
    const parent = (groups[group] as GroupRow).parent + 1;
    firstNode[parent] = Math.min(firstNode[parent] as number, firstNode[group + 1] as number);
  }
  groups.forEach((row, group) => {
    children[row.parent + 1]?.push(groupItem(group));
  });
  const order = (item: ItemId): number =>
    isGroup(item) ? (firstNode[itemGroup(item) + 1] as number) : item;
  for (const list of children)
    if (list.some(isGroup)) list.sort((a, b) => compare(order(a), order(b)));
  return children;
}

/** As sorting wants it; two infinities are equal. */
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
