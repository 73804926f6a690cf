import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../../protocol";
import type { DebuggerStore } from "../../state";
import { useStore } from "../shared/context";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { ModuleTree } from "./module_tree";
import { noGraphText } from "./no_graph";
import { Stage } from "./stage";
import { findStage, StagePicker } from "./stages";

/** The model as PyTorch has it, beside the graph ORTModule made of it at each stage. */
export function GraphView({ active }: { active: boolean }) {
  const { selection } = useStore();
  const graphs = useResource("graphs", {}, active);
  if (graphs.error && !graphs.data)
    return <Failure message={graphs.error} onRetry={graphs.retry} />;
  if (!graphs.data && !selection.stagePicked.value) return <Loading what="the graphs" />;
  return <GraphBody graphs={graphs.data} active={active} />;
}

/** @param props.graphs Null while only the stage that was picked is known to be there. */
function GraphBody({ graphs, active }: { graphs: Answer<"graphs"> | null; active: boolean }) {
  const store = useStore();
  useFreshStages(store, graphs);
  const { mode, stage } = store.selection;
  const stages = graphs?.stages ?? [];
  const row = findStage(stages, mode.value, stage.value);
  return (
    <section class="ov-graph">
      <div class="ov-pane ov-graph-modules">
        <ModuleTree stage={row} />
      </div>
      <div class="ov-pane ov-graph-stage">
        <StagePicker stages={stages} />
        {graphs !== null && row === null ? (
          <NoStage graphs={graphs} />
        ) : (
          <Stage mode={mode.value} stage={stage.value} row={row} active={active} />
        )}
        {graphs !== null && stages.length > 0 && <Notes notes={graphs.notes} />}
      </div>
    </section>
  );
}

/** ORTModule may export again: then the nodes and models asked for before are of old graphs. */
function useFreshStages(store: DebuggerStore, graphs: Answer<"graphs"> | null): void {
  const exports = graphs?.stages.map((row) => row.export_index).join() ?? null;
  const seen = useRef(exports);
  useEffect(() => {
    const before = seen.current;
    seen.current = exports;
    if (before === null || before === exports) return;
    store.cache.invalidate(["graph_nodes", "graph_model", "graph_structure"]);
  }, [store, exports]);
}

function NoStage({ graphs }: { graphs: Answer<"graphs"> }) {
  const { selection, run, live } = useStore();
  if (graphs.stages.length === 0) {
    const { title, sentences } = noGraphText(graphs.notes, run.data.value, live.value);
    return (
      <Empty title={title}>
        {sentences.map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
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
