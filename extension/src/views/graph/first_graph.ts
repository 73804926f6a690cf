import { useEffect } from "preact/hooks";
import { useStore } from "../shared/context";
import { findStage } from "./stages";
import { useGraphs } from "./use_graphs";

/** Where the selected graph is not there, go to the one that whoever answers proposes. */
export function useFirstGraph(): void {
  const { selection } = useStore();
  const graphs = useGraphs(true).data;
  const first = graphs?.first;
  useEffect(() => {
    if (!graphs || !first) return;
    const { mode, stage } = selection;
    if (findStage(graphs.stages, mode.peek(), stage.peek()) === null) {
      selection.pickStage(first.mode, first.stage);
    }
  }, [selection, first ? `${first.mode}/${first.stage}` : null]);
}
