import type { GroupKindName, HalfName } from "../../protocol";
import { itemNote, itemTitle, NODE_INPUT, NODE_OUTPUT } from "../labels";
import { type GraphStructure, ROOT } from "../structure";
import { groupItem, type ItemId, isGroup, itemGroup } from "../types";
import { plain } from "./text";

/** What is written on a box, and what it looks like. */
export interface Face {
  /** The operator, or the group's label. */
  title: string;
  /** How much is in a group; empty for nodes. */
  note: string;
  kind: "op" | "input" | "output" | "joint" | GroupKindName;
  half: HalfName;
}

/** What the scene asks about the graph that it draws. */
export interface SceneSource {
  face(item: ItemId): Face;
  /** The node's own name; empty for groups. */
  name(item: ItemId): string;
  /** The fully qualified name of the module it belongs to, or is; null where there is none. */
  module(item: ItemId): string | null;
  /** The group around it; null where it stands in none. */
  parent(item: ItemId): ItemId | null;
  /** The node that makes the tensor of an edge. */
  maker(edge: number): ItemId;
  /** Name of the tensor that an edge carries. */
  tensor(edge: number): string;
}

/** Operators that hand the forward half's outputs out and take their gradients in. */
const JOINTS = new Set(["YieldOp"]);

/** A structure as the scene sees it; what was asked once is kept. */
export function sourceOf(structure: GraphStructure): SceneSource {
  const faces = new Map<ItemId, Face>();
  return {
    face: (item) => {
      let face = faces.get(item);
      if (face === undefined) {
        face = faceOf(structure, item);
        faces.set(item, face);
      }
      return face;
    },
    name: (item) => (isGroup(item) ? "" : plain(structure.nodeName(item))),
    module: (item) => moduleOf(structure, item),
    parent: (item) => {
      const parent = structure.parentOf(item);
      return parent === ROOT ? null : groupItem(parent);
    },
    maker: (edge) => structure.producer(structure.edgeValue[edge] ?? -1),
    tensor: (edge) => plain(structure.valueName(structure.edgeValue[edge] ?? -1)),
  };
}

function faceOf(structure: GraphStructure, item: ItemId): Face {
  const title = plain(itemTitle(structure, item));
  if (isGroup(item)) {
    const { kind, half } = structure.group(itemGroup(item));
    return { title, note: itemNote(structure, item), kind, half };
  }
  const group = structure.parentOf(item);
  const half = group === ROOT ? "forward" : structure.group(group).half;
  return { title, note: "", kind: nodeKind(structure, item), half };
}

function nodeKind(structure: GraphStructure, node: number): Face["kind"] {
  const kind = structure.nodeKind[node];
  if (kind === NODE_INPUT) return "input";
  if (kind === NODE_OUTPUT) return "output";
  return JOINTS.has(structure.ops[structure.nodeOp[node] ?? -1]?.op_type ?? "") ? "joint" : "op";
}

function moduleOf(structure: GraphStructure, item: ItemId): string | null {
  let group = isGroup(item) ? itemGroup(item) : structure.parentOf(item);
  for (; group !== ROOT; group = structure.group(group).parent) {
    const { module } = structure.group(group);
    if (module !== null) return plain(module);
  }
  return null;
}
