import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../../protocol";
import type { DebuggerStore } from "../../state";
import { useStore } from "../shared/context";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { ModuleTree } from "./module_tree";
import { Stage } from "./stage";
import { findStage, StagePicker } from "./stages";

/** The model as PyTorch has it, beside the graph ORTModule made of it at each stage. */
export function GraphView({ active }: { active: boolean }) {
  const graphs = useResource("graphs", {}, active);
  if (graphs.error && !graphs.data)
    return <Failure message={graphs.error} onRetry={graphs.retry} />;
  if (!graphs.data) return <Loading what="the graphs" />;
  return <GraphBody graphs={graphs.data} active={active} />;
}

function GraphBody({ graphs, active }: { graphs: Answer<"graphs">; active: boolean }) {
  const store = useStore();
  useFreshStages(store, graphs);
  const { mode, stage } = store.selection;
  const row = findStage(graphs.stages, mode.value, stage.value);
  return (
    <section class="ov-graph">
      <div class="ov-pane ov-graph-modules">
        <ModuleTree stage={row} />
      </div>
      <div class="ov-pane ov-graph-stage">
        <StagePicker stages={graphs.stages} />
        {row ? <Stage row={row} active={active} /> : <NoStage graphs={graphs} />}
        <Notes notes={graphs.notes} />
      </div>
    </section>
  );
}

/** ORTModule may export again: then the nodes and models asked for before are of old graphs. */
function useFreshStages(store: DebuggerStore, graphs: Answer<"graphs">): void {
  const exports = graphs.stages.map((row) => row.export_index).join();
  const seen = useRef(exports);
  useEffect(() => {
    if (seen.current === exports) return;
    seen.current = exports;
    store.cache.invalidate(["graph_nodes", "graph_model"]);
  }, [store, exports]);
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
