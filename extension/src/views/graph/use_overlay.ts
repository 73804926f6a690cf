import { useEffect, useMemo, useState } from "preact/hooks";
import {
  COLOURS,
  makeOverlay,
  OVERLAYS,
  type OverlayAnswer,
  type OverlayName,
  RunRanges,
} from "../../graph/overlay";
import type { DetailsAnswer } from "../../graph/overlay/dtype";
import type { GraphStructure } from "../../graph/structure";
import type { ItemId, Overlay } from "../../graph/types";
import type { DebuggerStore } from "../../state";
import { useDebugger } from "../shared/context";
import { useResource } from "../shared/use_resource";
import { type DeepRecord, useDeepRecord } from "./deep_record";
import { findingMarks, findingsBy, useFindingNodes, withFindings } from "./finding_marks";
import { useInspector } from "./inspector_context";

/** Norms of all steps looked at so far, so that a colour keeps its meaning while steps are played. */
const RANGES = new WeakMap<DebuggerStore, RunRanges>();

/** What colours a stage, and what is to be said of the step that it shows. */
export interface PaneOverlay {
  overlay: Overlay | null;
  /** Null where it makes no difference. */
  record: DeepRecord | null;
}

/**
 * The chosen overlay on one stage.
 *
 * @param lit Light up the findings' places, whatever is chosen.
 */
export function usePaneOverlay(
  structure: GraphStructure | null,
  active: boolean,
  lit = true,
): PaneOverlay {
  const { theme } = useDebugger();
  const name = useInspector().overlay.value;
  const { sources, record } = useSources(name, structure, active);
  const marks = useMarks(structure, active && lit);
  const colours = COLOURS[theme.value];
  const made = useMemo(
    () => structure && makeOverlay(name, { ...sources, structure, colours }),
    [name, structure, colours, sources],
  );
  const overlay = useMemo(
    () => (lit && structure !== null ? withFindings(made, marks, colours.theme) : made),
    [structure, made, marks, colours, lit],
  );
  return { overlay, record };
}

/** What has come so far of what an overlay is made of. */
function useSources(name: OverlayName, structure: GraphStructure | null, active: boolean) {
  const { store } = useDebugger();
  const needs = OVERLAYS.find((overlay) => overlay.name === name)?.needs ?? null;
  const shown = structure && { mode: structure.mode, stage: structure.stage };
  const sampled = store.sampledStep.value;
  const asked = needs === "step" && sampled !== null && shown ? { ...shown, step: sampled } : null;
  const { data: step, error } = useResource("graph_overlay", asked, active);
  const { data: lineage } = useResource(
    "graph_lineage",
    needs === "lineage" ? shown : null,
    active,
  );
  const details = useAllDetails(structure, needs === "details" && active);
  const record = useDeepRecord(
    name === "divergence" && step !== null && isCompared(step) ? sampled : null,
    active,
  );
  const deep = record?.deep ?? null;
  const ranges = RANGES.get(store) ?? new RunRanges();
  RANGES.set(store, ranges);
  const sources = useMemo(
    () => ({ step, ranges, details, lineage, deep, trouble: error ?? "" }),
    [step, ranges, details, lineage, deep, error],
  );
  return { sources, record };
}

const NOT_COMPARABLE = 3;

const isCompared = ({ verdict }: OverlayAnswer) =>
  Array.prototype.some.call(verdict.values, (code: number) => code !== NOT_COMPARABLE);

/** Where those findings lie that the step on screen knows of. */
function useMarks(structure: GraphStructure | null, active: boolean): ReadonlySet<ItemId> {
  const { store } = useDebugger();
  const findings = useResource("findings", {}, active).data;
  const nodes = useFindingNodes(structure, findings, active);
  const rows = findingsBy(findings?.rows ?? [], store.step.value);
  return useMemo(
    () => (structure === null ? new Set<ItemId>() : findingMarks(structure, rows, nodes)),
    // Most steps know of the same ones.
    [structure, findings, nodes, rows.map(({ key }) => key).join("\n")],
  );
}

/** Details of all nodes, chunk after chunk: what has come so far. */
function useAllDetails(
  structure: GraphStructure | null,
  wanted: boolean,
): readonly DetailsAnswer[] {
  const { store } = useDebugger();
  const [details, setDetails] = useState<readonly DetailsAnswer[]>([]);
  useEffect(() => {
    if (!wanted || structure === null) return;
    let going = true;
    setDetails([]);
    void loadDetails(store, structure, (found) => {
      if (going) setDetails(found);
      return going;
    });
    return () => {
      going = false;
    };
  }, [store, structure, wanted]);
  return details;
}

async function loadDetails(
  store: DebuggerStore,
  { mode, stage, nodeCount }: GraphStructure,
  take: (found: readonly DetailsAnswer[]) => boolean,
): Promise<void> {
  const found: DetailsAnswer[] = [];
  for (let chunk = 0, end = 1; chunk < end; chunk += 1) {
    const resource = store.cache.resource("graph_details", { mode, stage, chunk });
    if (resource.data.peek() === null) await store.cache.load(resource);
    const answer = resource.data.peek();
    if (answer === null) return;
    end = Math.ceil(nodeCount / answer.chunk_size);
    found.push(answer);
    if (!take([...found])) return;
  }
}
