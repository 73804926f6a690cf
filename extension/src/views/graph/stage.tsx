import { effect, untracked } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { prewarmLayout } from "../../graph/layout";
import { GraphStructure } from "../../graph/structure";
import type { NetronPick } from "../../netron/frame";
import type { Answer, ModeName, NetronSource, StageName } from "../../protocol";
import type { GraphPane } from "../../state/graph";
import { useDebugger } from "../shared/context";
import { Segmented } from "../shared/controls";
import { Empty, Failure, FoldedNotes, Loading } from "../shared/messages";
import { type Shown, useResource } from "../shared/use_resource";
import { useInspector } from "./inspector_context";
import { Legend } from "./legend";
import type { StageRow } from "./module_tree";
import { netronMarks } from "./netron_marks";
import { NetronPane } from "./netron_pane";
import { NodeList } from "./node_list";
import { type NodeRow, nodeOfValue, valuesOfModule } from "./nodes";
import { GraphPicture } from "./picture";
import { StageSummary } from "./stages";
import { usePaneOverlay } from "./use_overlay";

type Shape = "picture" | "netron" | "list";

const SHAPES: { value: Shape; label: string }[] = [
  { value: "picture", label: "Graph" },
  { value: "netron", label: "Netron" },
  { value: "list", label: "List" },
];

interface StageProps {
  pane: GraphPane;
  mode: ModeName;
  stage: StageName;
  /** Null while no more is known of the stage than that it is there. */
  row: StageRow | null;
  active: boolean;
  /** Sentences about all graphs, said below this one. */
  notes?: readonly string[];
  /** Stands before what is said of the stage, in the same line. */
  leading?: ComponentChildren;
}

/**
 * One stage: its counts, and its graph as a picture, in Netron or as a list.
 *
 * Test ids: `graph-shape-picture`, `graph-shape-netron`, `graph-shape-list`.
 */
export function Stage(props: StageProps) {
  const [chosen, setChosen] = useState<Shape>("picture");
  const shape = props.row === null ? "picture" : chosen;
  const { structure, error, retry } = useStructure(props);
  useSeen(props.pane, error !== null || shape !== "picture");
  const notes = [...(structure?.notes ?? []), ...(props.notes ?? [])];
  return (
    <>
      <div class="ov-graph-bar">
        {props.leading}
        {props.row === null ? <p class="ov-stage-summary" /> : <StageSummary row={props.row} />}
        <Segmented
          label="Show as"
          value={shape}
          choices={SHAPES}
          onChange={setChosen}
          testid="graph-shape"
        />
      </div>
      {shape !== "picture" ? (
        <OtherShape {...props} shape={shape} structure={structure} />
      ) : error !== null ? (
        <Failure message={error} onRetry={retry} />
      ) : structure === null ? (
        <Loading what="the graph" />
      ) : (
        <GraphPicture {...props} structure={structure} notes={notes} />
      )}
      {(shape !== "picture" || structure === null) && <FoldedNotes notes={notes} />}
    </>
  );
}

/** Where neither a server nor a page of a report brings Netron along. */
function NoNetron() {
  return (
    <Empty title="Netron is not at hand here." testid="no-netron">
      <p>
        It comes from Jupyter Server with ortviz's server extension, or inside of a report; here
        only the kernel answers. Open the run or the ONNX file in JupyterLab, or write a report with{" "}
        <code>to_html(path)</code>. Graph and List show the same nodes.
      </p>
    </Empty>
  );
}

/** The first picture is there, or there will be none: now there is time for all else. */
function useSeen(pane: GraphPane, never: boolean): void {
  const { graphSeen } = useDebugger().store.selection;
  const seen = never || pane.picture.value !== null || pane.failure.value !== null;
  useEffect(() => {
    if (seen) graphSeen.value = true;
  }, [graphSeen, seen]);
}

/** The stage's structure, given to the pane; details and search need it in every shape. */
function useStructure({ pane, mode, stage, active }: StageProps) {
  const { cache } = useDebugger().store;
  const { data, error, retry } = useResource("graph_structure", { mode, stage }, active);
  const structure = useMemo(() => data && structureOf(data), [data]);
  useEffect(() => {
    if (!active) return;
    const { data: answer } = cache.resource("graph_structure", { mode, stage });
    if (answer.peek() === null) prewarmLayout();
    // As soon as it is there: the worker lays it out while the page around it is rendered.
    return effect(() => {
      const found = answer.value;
      if (found !== null) untracked(() => pane.load(structureOf(found)));
    });
  }, [cache, pane, mode, stage, active]);
  return { structure, error, retry };
}

const structures = new WeakMap<Answer<"graph_structure">, GraphStructure>();

/** One for each answer. */
function structureOf(answer: Answer<"graph_structure">): GraphStructure {
  const known = structures.get(answer) ?? new GraphStructure(answer);
  structures.set(answer, known);
  return known;
}

interface OtherShapeProps extends StageProps {
  shape: Exclude<Shape, "picture">;
  structure: GraphStructure | null;
}

/** The stage in Netron or as a list, once more is known of it than that it is there. */
function OtherShape({ row, shape, ...props }: OtherShapeProps) {
  const netron = useDebugger().netron();
  if (row === null) return <Loading what="the stage" />;
  if (shape === "list") return <Nodes {...props} row={row} netron={null} />;
  return netron === null ? <NoNetron /> : <Nodes {...props} row={row} netron={netron} />;
}

interface NodesProps {
  row: StageRow;
  structure: GraphStructure | null;
  active: boolean;
  /** Null shows the list. */
  netron: NetronSource | null;
}

function Nodes({ row, netron, structure, active }: NodesProps) {
  const { selection } = useDebugger().store;
  const inspector = useInspector();
  const { mode, stage } = row;
  const answer: Shown<"graph_nodes"> = useResource("graph_nodes", { mode, stage }, active);
  const nodes = answer.previous ? null : (answer.data?.nodes ?? null);
  const module = selection.module.value;
  const marked = useMemo(
    () => (nodes && module ? valuesOfModule(nodes, module) : []),
    [nodes, module],
  );
  const pick = (node: NodeRow) => {
    if (structure !== null) inspector.pickNodes(structure, [node.index], false);
    else selection.pickNode(node.module, node.outputs[0] ?? null, null);
  };
  if (netron !== null) {
    const pickInNetron = (picked: NetronPick) => {
      const node = nodes && nodeOfValue(nodes, picked.values[0] ?? null);
      if (node) pick(node);
    };
    return (
      <PaintedNetron
        source={netron}
        row={row}
        marked={marked}
        structure={structure}
        active={active}
        onPick={pickInNetron}
      />
    );
  }
  if (answer.error) return <Failure message={answer.error} onRetry={answer.retry} />;
  return nodes === null ? <Loading what="the nodes" /> : <NodeList nodes={nodes} onPick={pick} />;
}

interface PaintedNetronProps {
  source: NetronSource;
  row: StageRow;
  marked: readonly string[];
  structure: GraphStructure | null;
  active: boolean;
  onPick(pick: NetronPick): void;
}

/** Netron with the overlay's colours; the selected module's mark lies over them. */
function PaintedNetron(props: PaintedNetronProps) {
  const { row, marked, structure, active } = props;
  const { value } = useDebugger().store.selection;
  const { overlay, record } = usePaneOverlay(structure, active, false);
  const painted = useMemo(
    () => (structure === null || overlay === null ? [] : netronMarks(structure, overlay)),
    [structure, overlay],
  );
  return (
    <>
      <NetronPane
        source={props.source}
        mode={row.mode}
        stage={row.stage}
        exportIndex={row.export_index}
        marked={marked}
        painted={painted}
        focus={value.value ?? marked[0] ?? null}
        onPick={props.onPick}
      />
      {overlay !== null && <Legend overlay={overlay} record={record} halves />}
    </>
  );
}
