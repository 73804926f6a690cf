import { isWithin } from "../../state";
import { formatModule, plural } from "../shared/format";
import { evidenceText, type NodeRow, nodeOfValue } from "./nodes";

/** Two lines of fixed height about the selected node. */
export function NodeDetails(props: {
  nodes: NodeRow[];
  value: string | null;
  module: string | null;
}) {
  const { nodes, value, module } = props;
  const node = nodeOfValue(nodes, value);
  if (node === null) {
    return (
      <div class="ov-details ov-muted" data-testid="node-details">
        {moduleText(module, nodes)}
      </div>
    );
  }
  const operator = node.domain === "" ? node.op_type : `${node.domain}.${node.op_type}`;
  return (
    <div class="ov-details" data-testid="node-details" data-node={node.index}>
      <p>
        <b>{operator}</b> <code>{node.name}</code>
        <span>
          <i>module</i> {formatModule(node.module)} ({evidenceText(node)})
        </span>
      </p>
      <p>
        <span title={node.inputs.join("\n")}>
          <i>in</i> <code>{node.inputs.join(", ")}</code>
        </span>
        <span title={node.outputs.join("\n")}>
          <i>out</i> <code>{node.outputs.join(", ")}</code>
        </span>
      </p>
    </div>
  );
}

/** What became of a module in this stage. */
function moduleText(module: string | null, nodes: NodeRow[]): string {
  if (module === null) return "Select a module to mark its nodes, or a node to see its module.";
  const own = nodes.filter((node) => isWithin(node.module, module));
  const name = formatModule(module);
  if (own.length === 0) {
    return `No node of this stage could be traced to ${name}; an earlier stage may show it.`;
  }
  const forward = own.filter((node) => node.half === "forward").length;
  const halves = `${forward} forward, ${own.length - forward} backward`;
  return `${name} became ${plural(own.length, "node")} of this stage (${halves}).`;
}
