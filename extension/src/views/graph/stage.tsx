import { useMemo, useState } from "preact/hooks";
import type { NetronPick } from "../../netron/frame";
import type { ModeName, NetronSource, StageName } from "../../protocol";
import { useDebugger } from "../shared/context";
import { Segmented } from "../shared/controls";
import { Failure, Loading } from "../shared/messages";
import { type Shown, useResource } from "../shared/use_resource";
import type { StageRow } from "./module_tree";
import { NetronPane } from "./netron_pane";
import { NodeDetails } from "./node_details";
import { NodeList } from "./node_list";
import { type NodeRow, nodeOfValue, valuesOfModule } from "./nodes";
import { GraphPicture } from "./picture";
import { StageSummary } from "./stages";

type Shape = "picture" | "netron" | "list";

const SHAPES: { value: Shape; label: string }[] = [
  { value: "picture", label: "Graph" },
  { value: "netron", label: "Netron" },
  { value: "list", label: "List" },
];

interface StageProps {
  mode: ModeName;
  stage: StageName;
  /** Null while no more is known of the stage than that it is there. */
  row: StageRow | null;
  active: boolean;
}

/** One stage: its counts, its graph as a picture, in Netron or as a list, and the selected node. */
export function Stage({ mode, stage, row, active }: StageProps) {
  const { store, netron: findNetron } = useDebugger();
  const netron = findNetron();
  const [chosen, setChosen] = useState<Shape>("picture");
  const shape = row === null || (netron === null && chosen === "netron") ? "picture" : chosen;
  const asked = active && shape !== "picture";
  const answer = useResource("graph_nodes", { mode, stage }, asked);
  const nodes = answer.previous ? [] : (answer.data?.nodes ?? []);
  const { value, module } = store.selection;
  return (
    <>
      <div class="ov-graph-bar">
        {row === null ? <p class="ov-stage-summary" /> : <StageSummary row={row} />}
        <Segmented
          label="Show as"
          value={shape}
          choices={SHAPES.filter((choice) => netron !== null || choice.value !== "netron")}
          onChange={setChosen}
          testid="graph-shape"
        />
      </div>
      {row === null || shape === "picture" ? (
        <GraphPicture mode={mode} stage={stage} active={active} />
      ) : (
        <>
          <StageGraph row={row} netron={shape === "netron" ? netron : null} answer={answer} />
          <NodeDetails nodes={nodes} value={value.value} module={module.value} />
        </>
      )}
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
