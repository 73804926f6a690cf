import { useMemo, useState } from "preact/hooks";
import type { NetronPick } from "../../netron/frame";
import type { Answer } from "../../protocol";
import { isWithin } from "../../state";
import { useDebugger, useStore } from "../shared/context";
import { Segmented } from "../shared/controls";
import { formatModule, plural } from "../shared/format";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { ModuleTree, type StageRow } from "./module_tree";
import { NetronPane } from "./netron_pane";
import { NodeList } from "./node_list";
import { evidenceText, type NodeRow, nodeOfValue, valuesOfModule } from "./nodes";
import { findStage, StagePicker, StageSummary } from "./stages";

/** Stages with more nodes than this start as a list, because Netron takes long to lay them out. */
const NETRON_NODES_MAX = 2_000;

type Shape = "netron" | "list";

/** The model as PyTorch has it, beside the graph ORTModule made of it at each stage. */
export function GraphView({ active }: { active: boolean }) {
  const store = useStore();
  const graphs = useResource("graphs", {}, active);
  if (graphs.error && !graphs.data)
    return <Failure message={graphs.error} onRetry={graphs.retry} />;
  if (!graphs.data) return <Loading what="the graphs" />;
  const { mode, stage } = store.selection;
  const row = findStage(graphs.data.stages, mode.value, stage.value);
  return (
    <section class="ov-graph">
      <div class="ov-pane ov-graph-modules">
        <ModuleTree stage={row} />
      </div>
      <div class="ov-pane ov-graph-stage">
        <StagePicker stages={graphs.data.stages} />
        {row ? <Stage row={row} active={active} /> : <NoStage graphs={graphs.data} />}
        <Notes notes={graphs.data.notes} />
      </div>
    </section>
  );
}

function NoStage({ graphs }: { graphs: Answer<"graphs"> }) {
  const { selection, run } = useStore();
  const reason = run.data.value?.engine_reason;
  if (graphs.stages.length === 0) {
    return (
      <Empty title="ORTModule has not exported the model yet.">
        <p>
          {reason
            ? `It runs in eager PyTorch: ${reason}`
            : "It does so in the first training step; its five stages then appear here."}
        </p>
      </Empty>
    );
  }
  return (
    <Empty title={`There is no ${selection.mode.value} graph at this stage.`}>
      <p>
        The inference graph is made when the model is called in <code>eval()</code> mode for the
        first time. Choose another mode or stage above.
      </p>
    </Empty>
  );
}

function Stage({ row, active }: { row: StageRow; active: boolean }) {
  const { store, netron: findNetron } = useDebugger();
  const { selection } = store;
  const netron = findNetron();
  const [chosen, setChosen] = useState<Shape | null>(null);
  const large = row.node_count > NETRON_NODES_MAX;
  const shape: Shape = netron === null ? "list" : (chosen ?? (large ? "list" : "netron"));
  const params = { mode: row.mode, stage: row.stage };
  const answer = useResource("graph_nodes", params, active);
  const nodes = answer.previous ? null : (answer.data?.nodes ?? null);
  const module = selection.module.value;
  const value = selection.value.value;
  const marked = useMemo(
    () => (nodes && module ? valuesOfModule(nodes, module) : []),
    [nodes, module],
  );
  const pick = (node: NodeRow) => selection.pickNode(node.module, node.outputs[0] ?? null, null);
  const pickInNetron = (picked: NetronPick) => {
    const node = nodes && nodeOfValue(nodes, picked.values[0] ?? null);
    if (node) pick(node);
  };
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
      {large && shape === "list" && netron !== null && chosen === null && (
        <p class="ov-hint">
          {plural(row.node_count, "node")} would take Netron a long time; shown as a list instead.
        </p>
      )}
      {shape === "netron" && netron !== null ? (
        <NetronPane
          source={netron}
          {...params}
          marked={marked}
          focus={value ?? marked[0] ?? null}
          onPick={pickInNetron}
        />
      ) : answer.error ? (
        <Failure message={answer.error} onRetry={answer.retry} />
      ) : nodes === null ? (
        <Loading what="the nodes" />
      ) : (
        <NodeList nodes={nodes} onPick={pick} />
      )}
      <NodeDetails nodes={nodes ?? []} value={value} module={module} />
    </>
  );
}

/** Two lines of fixed height about the selected node. */
function NodeDetails(props: { nodes: NodeRow[]; value: string | null; module: string | null }) {
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
