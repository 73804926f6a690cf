import { useEffect, useMemo, useState } from "preact/hooks";
import { COLOURS, makeOverlay, OVERLAYS, RunRanges } from "../../graph/overlay";
import type { DetailsAnswer } from "../../graph/overlay/dtype";
import type { GraphStructure } from "../../graph/structure";
import type { ItemId, Overlay } from "../../graph/types";
import type { DebuggerStore } from "../../state";
import { useDebugger } from "../shared/context";
import { useResource } from "../shared/use_resource";
import { findingMarks, useFindingNodes, withFindings } from "./finding_marks";
import { useInspector } from "./inspector_context";

/** Norms of all steps looked at so far, so that a colour keeps its meaning while steps are played. */
const RANGES = new WeakMap<DebuggerStore, RunRanges>();

/**
 * The chosen overlay on one stage.
 *
 * @param lit Light up the findings' places, whatever is chosen.
 */
export function usePaneOverlay(
  structure: GraphStructure | null,
  active: boolean,
  lit = true,
): Overlay | null {
  const { store, theme } = useDebugger();
  const name = useInspector().overlay.value;
  const needs = OVERLAYS.find((overlay) => overlay.name === name)?.needs ?? null;
  const shown = structure && { mode: structure.mode, stage: structure.stage };
  const step = store.sampledStep.value;
  const asked = needs === "step" && step !== null && shown ? { ...shown, step } : null;
  const recorded = useResource("graph_overlay", asked, active);
  const lineage = useResource("graph_lineage", needs === "lineage" ? shown : null, active);
  const details = useAllDetails(structure, needs === "details" && active);
  const findings = useResource("findings", {}, active).data;
  const nodes = useFindingNodes(structure, findings, active && lit);
  const marks = useMemo(
    () =>
      structure === null || !lit ? new Set<ItemId>() : findingMarks(structure, findings, nodes),
    [structure, findings, nodes, lit],
  );
  const colours = COLOURS[theme.value];
  const ranges = RANGES.get(store) ?? new RunRanges();
  RANGES.set(store, ranges);
  return useMemo(() => {
    if (structure === null) return null;
    const step = recorded.data;
    const sources = { structure, colours, step, ranges, details, lineage: lineage.data };
    return withFindings(makeOverlay(name, sources), marks, colours.theme);
  }, [name, structure, colours, recorded.data, details, lineage.data, marks]);
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
