import type { Answer } from "../../protocol";
import { isWithin } from "../../state";

export type NodeRow = Answer<"graph_nodes">["nodes"][number];

/** A line of the node list: a module's heading or a node. */
export type NodeItem =
  | { kind: "group"; module: string | null; half: NodeRow["half"]; count: number }
  | { kind: "node"; node: NodeRow };

/** Nodes in file order, with a heading wherever another module begins. */
export function groupNodes(nodes: readonly NodeRow[], text: string): NodeItem[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const items: NodeItem[] = [];
  let group: (NodeItem & { kind: "group" }) | null = null;
  for (const node of nodes) {
    if (!words.every((word) => searchText(node).includes(word))) continue;
    if (group === null || group.module !== node.module || group.half !== node.half) {
      group = { kind: "group", module: node.module, half: node.half, count: 0 };
      items.push(group);
    }
    group.count += 1;
    items.push({ kind: "node", node });
  }
  return items;
}

/** Values by which the nodes of a module and its children are found again in any stage. */
export function valuesOfModule(nodes: readonly NodeRow[], module: string): string[] {
  return nodes.filter((node) => isWithin(node.module, module)).flatMap((node) => node.outputs);
}

/** The node that makes a value. */
export function nodeOfValue(nodes: readonly NodeRow[], value: string | null): NodeRow | null {
  if (value === null) return null;
  return nodes.find((node) => node.outputs.includes(value)) ?? null;
}

/** How a node's module is known, as a sentence. */
export function evidenceText(node: Pick<NodeRow, "module" | "evidence">): string {
  if (node.module === null) return "no module could be told from its names";
  const sentences: Record<string, string> = {
    output_name: "told from the name of its output",
    gradient_of: "makes the gradient of a tensor of this module",
    node_name: "told from its own name",
    model_output: "hands out what the model returns",
    doubtful_name: "told from its name, which a second call of another module would have too",
    lineage: "told from the nodes it came from in the stage before",
    neighbour: "told from the nodes around it",
  };
  return sentences[node.evidence] ?? node.evidence;
}

function searchText(node: NodeRow): string {
  return [node.op_type, node.name, node.module ?? "", ...node.outputs].join(" ").toLowerCase();
}
