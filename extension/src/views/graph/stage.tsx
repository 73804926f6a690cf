import { useMemo, useState } from "preact/hooks";
import type { NetronPick } from "../../netron/frame";
import type { NetronSource } from "../../protocol";
import { useDebugger } from "../shared/context";
import { Segmented } from "../shared/controls";
import { plural } from "../shared/format";
import { Failure, Loading } from "../shared/messages";
import { type Shown, useResource } from "../shared/use_resource";
import type { StageRow } from "./module_tree";
import { NetronPane } from "./netron_pane";
import { NodeDetails } from "./node_details";
import { NodeList } from "./node_list";
import { type NodeRow, nodeOfValue, valuesOfModule } from "./nodes";
import { StageSummary } from "./stages";

/** Stages with more nodes than this start as a list, because Netron takes long to lay them out. */
const NETRON_NODES_MAX = 2_000;

type Shape = "netron" | "list";

/** One stage: its counts, its graph in Netron or as a list, and the selected node. */
export function Stage({ row, active }: { row: StageRow; active: boolean }) {
  const { store, netron: findNetron } = useDebugger();
  const netron = findNetron();
  const [chosen, setChosen] = useState<Shape | null>(null);
  const large = row.node_count > NETRON_NODES_MAX;
  const shape: Shape = netron === null ? "list" : (chosen ?? (large ? "list" : "netron"));
  const answer = useResource("graph_nodes", { mode: row.mode, stage: row.stage }, active);
  const nodes = answer.previous ? [] : (answer.data?.nodes ?? []);
  const { value, module } = store.selection;
  return (
    <>
      <div class="ov-graph-bar">
        <StageSummary row={row} />
        {netron !== null && (
          <Segmented
            label="Show as"
            value={shape}
            choices={[
              { value: "netron", label: "Netron" },
              { value: "list", label: "List" },
            ]}
            onChange={setChosen}
            testid="graph-shape"
          />
        )}
      </div>
      {large && netron !== null && chosen === null && (
        <p class="ov-hint">
          {plural(row.node_count, "node")} would take Netron a long time; shown as a list instead.
        </p>
      )}
      <StageGraph row={row} netron={shape === "netron" ? netron : null} answer={answer} />
      <NodeDetails nodes={nodes} value={value.value} module={module.value} />
    </>
  );
}

interface StageGraphProps {
  row: StageRow;
  /** Null shows the list. */
  netron: NetronSource | null;
  answer: Shown<"graph_nodes">;
}

function StageGraph({ row, netron, answer }: StageGraphProps) {
  const { selection } = useDebugger().store;
  const nodes = answer.previous ? null : (answer.data?.nodes ?? null);
  const module = selection.module.value;
  const marked = useMemo(
    () => (nodes && module ? valuesOfModule(nodes, module) : []),
    [nodes, module],
  );
  const pick = (node: NodeRow) => selection.pickNode(node.module, node.outputs[0] ?? null, null);
  if (netron !== null) {
    const pickInNetron = (picked: NetronPick) => {
      const node = nodes && nodeOfValue(nodes, picked.values[0] ?? null);
      if (node) pick(node);
    };
    return (
      <NetronPane
        source={netron}
        mode={row.mode}
        stage={row.stage}
        exportIndex={row.export_index}
        marked={marked}
        focus={selection.value.value ?? marked[0] ?? null}
        onPick={pickInNetron}
      />
    );
  }
  if (answer.error) return <Failure message={answer.error} onRetry={answer.retry} />;
  return nodes === null ? <Loading what="the nodes" /> : <NodeList nodes={nodes} onPick={pick} />;
}
