import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { createLayoutEngine } from "../../graph/layout";
import type { Answer } from "../../protocol";
import type { DebuggerStore } from "../../state";
import { GraphInspector } from "../../state/graph";
import { useStore } from "../shared/context";
import { Empty, Failure, Loading } from "../shared/messages";
import { useSize } from "../shared/use_size";
import { STAGES } from "../shared/words";
import { Details } from "./details/panel";
import { Peek } from "./details/peek";
import { Frame } from "./frame";
import { InspectorContext, useInspector } from "./inspector_context";
import { LeftChoice, LeftPane } from "./left_pane";
import type { StageRow } from "./module_tree";
import { noGraphText } from "./no_graph";
import { DRAWER_BELOW_PX, STACKED_BELOW_PX } from "./pane_sizes";
import { Stage } from "./stage";
import { findStage, StagePicker } from "./stages";
import { GraphToolbar } from "./toolbar";
import { useGraphs } from "./use_graphs";

/** The model as PyTorch has it, beside the graph ORTModule made of it at each stage. */
export function GraphView({ active }: { active: boolean }) {
  const { selection } = useStore();
  const graphs = useGraphs(active);
  if (graphs.error && !graphs.data)
    return <Failure message={graphs.error} onRetry={graphs.retry} />;
  if (!graphs.data && !selection.stagePicked.value) return <Loading what="the graphs" />;
  return <GraphBody graphs={graphs.data} active={active} />;
}

/** @param props.graphs Null while only the stage that was picked is known to be there. */
function GraphBody({ graphs, active }: { graphs: Answer<"graphs"> | null; active: boolean }) {
  const store = useStore();
  useFreshStages(store, graphs);
  const inspector = useOwnInspector();
  useLineages(inspector, graphs, active);
  const section = useRef<HTMLElement>(null);
  const { details, setDetails, narrow } = useDetailsShown(section, inspector);
  const { mode, stage } = store.selection;
  const stages = graphs?.stages ?? [];
  const row = findStage(stages, mode.value, stage.value);
  const missing = graphs !== null && row === null;
  const left = inspector.leftContent.value.kind;
  return (
    <InspectorContext.Provider value={inspector}>
      <section ref={section} class="ov-graph" aria-label="Graph" onKeyDown={focusSearch}>
        {stages.length > 1 && <StagePicker stages={stages} />}
        {!missing && <GraphToolbar details={details} onDetails={setDetails} />}
        <Frame
          even={left === "stage"}
          left={left === "closed" ? null : <LeftPane graphs={graphs} active={active} />}
          right={<RightPane graphs={graphs} row={row} active={active} />}
          details={details && !missing ? <Details row={row} active={active} /> : null}
          onCloseDetails={() => {
            setDetails(false);
            section.current?.querySelector<HTMLElement>("[data-testid=graph-peek]")?.focus();
          }}
        />
        {narrow && !missing && <Peek open={details} onOpen={setDetails} active={active} />}
      </section>
    </InspectorContext.Provider>
  );
}

interface RightPaneProps {
  graphs: Answer<"graphs"> | null;
  row: StageRow | null;
  active: boolean;
}

/** The stage that is chosen above; with the choice of a left pane while there is none. */
function RightPane({ graphs, row, active }: RightPaneProps) {
  const inspector = useInspector();
  const { mode, stage } = useStore().selection;
  const stages = graphs?.stages ?? [];
  const alone = inspector.leftContent.value.kind === "closed" && stages.length > 1;
  const choice = alone ? <LeftChoice stages={stages} /> : null;
  if (graphs !== null && row === null) {
    return (
      <>
        {choice && <div class="ov-graph-bar">{choice}</div>}
        <NoStage graphs={graphs} />
      </>
    );
  }
  return (
    <Stage
      pane={inspector.right}
      mode={mode.value}
      stage={stage.value}
      row={row}
      active={active}
      notes={graphs?.notes ?? []}
      leading={choice}
    />
  );
}

/**
 * Details are open where there is room beside the picture, and closed where they would cover it.
 * Where the panes stand below each other the picture begins alone.
 */
function useDetailsShown(section: { current: HTMLElement | null }, inspector: GraphInspector) {
  const { width } = useSize(section);
  const [shown, setShown] = useState({ beside: true, over: false });
  const narrow = width > 0 && width < DRAWER_BELOW_PX;
  const place = narrow ? "over" : "beside";
  const measured = useRef(false);
  useEffect(() => {
    // Once: what the user opens later stays open, in whatever window and behind other tabs.
    if (width === 0 || measured.current) return;
    measured.current = true;
    const { leftContent } = inspector;
    if (width < STACKED_BELOW_PX && leftContent.peek().kind === "modules") {
      leftContent.value = { kind: "closed" };
    }
  }, [inspector, width]);
  return {
    narrow,
    details: shown[place],
    setDetails: (open: boolean) => setShown({ ...shown, [place]: open }),
  };
}

/** One inspector for as long as the view is there; without modules there is no tree to show. */
function useOwnInspector(): GraphInspector {
  const store = useStore();
  const inspector = useMemo(() => new GraphInspector(store, createLayoutEngine), [store]);
  useEffect(() => () => inspector.dispose(), [inspector]);
  const run = store.run.data.value;
  const treeless = run !== null && run.modules.length === 0;
  useEffect(() => {
    if (treeless && inspector.leftContent.peek().kind === "modules") {
      inspector.leftContent.value = { kind: "closed" };
    }
  }, [inspector, treeless]);
  return inspector;
}

/** Ask how the stages hang together once somebody wants to know. */
function useLineages(
  inspector: GraphInspector,
  graphs: Answer<"graphs"> | null,
  active: boolean,
): void {
  const { cache, selection } = inspector.store;
  const mode = selection.mode.value;
  const wanted =
    active && (inspector.subject.value !== null || inspector.leftContent.value.kind === "stage");
  const saved = graphs?.stages.filter((row) => row.mode === mode).map(({ stage }) => stage) ?? [];
  useEffect(() => {
    if (!wanted) return;
    const order = STAGES.map(({ stage }) => stage).filter((stage) => saved.includes(stage));
    const resources = order.map((stage) => cache.resource("graph_lineage", { mode, stage }));
    const stops = resources.map((resource) => cache.watch(resource));
    const stop = effect(() => {
      const answers = resources.map(({ data }) => data.value);
      if (answers.every((answer) => answer !== null)) inspector.lineages.value = answers;
    });
    return () => {
      stop();
      for (const unwatch of stops) unwatch();
    };
  }, [inspector, wanted, mode, saved.join()]);
}

/** The slash key leads to the search box, except where something is typed. */
function focusSearch(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const target = event.target as HTMLElement;
  if (
    event.key !== "/" ||
    target.matches("input:not([type=range], [type=radio], [type=checkbox])")
  ) {
    return;
  }
  event.preventDefault();
  event.currentTarget.querySelector<HTMLElement>("[data-testid=graph-search]")?.focus();
}

/** ORTModule may export again: then the nodes and models asked for before are of old graphs. */
function useFreshStages(store: DebuggerStore, graphs: Answer<"graphs"> | null): void {
  const exports = graphs?.stages.map((row) => row.export_index).join() ?? null;
  const seen = useRef(exports);
  useEffect(() => {
    const before = seen.current;
    seen.current = exports;
    if (before === null || before === exports) return;
    store.cache.invalidate([
      "graph_nodes",
      "graph_model",
      "graph_structure",
      "graph_details",
      "graph_schemas",
      "graph_lineage",
      "graph_overlay",
    ]);
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
