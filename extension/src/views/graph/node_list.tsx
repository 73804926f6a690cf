import { useMemo, useState } from "preact/hooks";
import { isWithin } from "../../state";
import { useStore } from "../shared/context";
import { formatModule, plural } from "../shared/format";
import { Empty } from "../shared/messages";
import { VirtualList } from "../shared/virtual_list";
import { groupNodes, type NodeItem, type NodeRow } from "./nodes";

const ROW_HEIGHT = 22;

/** All nodes of a stage in file order under the modules they came from. */
export function NodeList(props: { nodes: NodeRow[]; onPick(node: NodeRow): void }) {
  const { selection } = useStore();
  const [text, setText] = useState("");
  const items = useMemo(() => groupNodes(props.nodes, text), [props.nodes, text]);
  const value = selection.value.value;
  const module = selection.module.value;
  const selected = selectedItem(items, value, module);
  return (
    <div class="ov-node-list">
      <input
        type="search"
        class="ov-input"
        placeholder="Filter operators, names, modules"
        aria-label="Filter nodes"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        data-testid="node-filter"
      />
      {items.length === 0 ? (
        <Empty title="No node passes the filter." />
      ) : (
        <VirtualList
          label="Nodes of the stage"
          role="grid"
          testid="node-table"
          count={items.length}
          rowHeight={ROW_HEIGHT}
          selected={selected}
          revealKey={`${module}|${value}|${props.nodes.length}`}
          selectable={(index) => items[index]?.kind === "node"}
          onSelect={(index) => {
            const item = items[index];
            if (item?.kind === "node") props.onPick(item.node);
          }}
          rowProps={(index) => itemProps(items[index], module)}
          renderRow={(index) => <NodeLine item={items[index]} />}
        />
      )}
    </div>
  );
}

function NodeLine({ item }: { item: NodeItem | undefined }) {
  if (item === undefined) return null;
  if (item.kind === "group") {
    return (
      <div class="ov-node-group" role="gridcell">
        <strong>{formatModule(item.module)}</strong>{" "}
        <span class="ov-muted">
          {item.half} · {plural(item.count, "node")}
        </span>
      </div>
    );
  }
  const { node } = item;
  return (
    <div class="ov-node-line">
      <span class="ov-num ov-muted" role="gridcell">
        {node.index}
      </span>
      <span class="ov-node-op" role="gridcell">
        {node.op_type}
      </span>
      <span class="ov-mono ov-muted" role="gridcell" title={node.outputs.join(", ")}>
        {node.outputs[0] ?? node.name}
      </span>
    </div>
  );
}

function selectedItem(items: NodeItem[], value: string | null, module: string | null): number {
  const exact = items.findIndex(
    (item) => item.kind === "node" && value !== null && item.node.outputs.includes(value),
  );
  if (exact >= 0 || module === null || module === "") return exact;
  return items.findIndex((item) => item.kind === "node" && isWithin(item.node.module, module));
}

function itemProps(item: NodeItem | undefined, module: string | null) {
  if (item === undefined) return {};
  if (item.kind === "group") return { class: "ov-row-section", "data-testid": "node-group" };
  const lit = module !== null && module !== "" && isWithin(item.node.module, module);
  return {
    class: lit ? "ov-lit" : "",
    "data-testid": "node-row",
    "data-index": item.node.index,
    "data-module": item.node.module ?? "",
  };
}
