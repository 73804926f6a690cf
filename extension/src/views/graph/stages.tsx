import type { ModeName, StageName } from "../../protocol";
import { useStore } from "../shared/context";
import { Segmented } from "../shared/controls";
import { formatBytes, formatCount, plural } from "../shared/format";
import { MODES, STAGES } from "../shared/words";
import type { StageRow } from "./module_tree";

export function findStage(
  stages: readonly StageRow[],
  mode: ModeName,
  stage: StageName,
): StageRow | null {
  return stages.find((row) => row.mode === mode && row.stage === stage) ?? null;
}

/** ORTModule's five stages in order, each with how many nodes it has. */
export function StagePicker({ stages }: { stages: readonly StageRow[] }) {
  const { selection } = useStore();
  const mode = selection.mode.value;
  const current = selection.stage.value;
  return (
    <div class="ov-stages">
      <Segmented
        label="Graph"
        value={mode}
        choices={MODES.map((value) => ({
          value,
          label: value,
          title: value === "inference" ? "The graph of eval mode" : "The graph of train mode",
        }))}
        onChange={(value) => selection.pickStage(value, current)}
        testid="graph-mode"
      />
      <div class="ov-stage-list" role="radiogroup" aria-label="Stage">
        {STAGES.map(({ stage, short, title }) => {
          const row = findStage(stages, mode, stage);
          const about =
            row === null
              ? `${stage}: ${title}. Not saved in this mode.`
              : `${stage}: ${title}. ${plural(row.node_count, "node")}.`;
          return (
            <button
              key={stage}
              type="button"
              role="radio"
              class="ov-stage"
              aria-checked={stage === current}
              disabled={row === null}
              title={about}
              aria-label={about}
              onClick={() => selection.pickStage(mode, stage)}
              data-testid={`stage-${stage}`}
              data-mode={mode}
            >
              <span class="ov-stage-long">{stage}</span>
              <span class="ov-stage-short">{short}</span>
              <b>{row === null ? "–" : formatCount(row.node_count)}</b>
            </button>
          );
        })}
      </div>
    </div>
  );
}

/** Whether any node is of a known module; where none is, as in a file alone, that is no news. */
export const hasModules = (row: StageRow) =>
  row.untraced_count < row.forward_count + row.backward_count;

/** How many nodes of which kind the stage has; one line. */
export function StageSummary({ row }: { row: StageRow }) {
  const ops = row.op_counts.map(({ op_type, count }) => `${op_type} ${count}`).join("  ");
  const parts = [
    `${formatCount(row.forward_count)} forward`,
    row.backward_count > 0 ? `${formatCount(row.backward_count)} backward` : "",
    row.untraced_count > 0 && hasModules(row)
      ? `${plural(row.untraced_count, "node")} of no known module`
      : "",
    formatBytes(row.size_bytes),
    row.export_index > 0 ? `export ${row.export_index + 1}` : "",
  ].filter((part) => part !== "");
  return (
    <p class="ov-stage-summary" title={ops}>
      <b>{parts.join(" · ")}</b>
      <span class="ov-muted">{ops}</span>
    </p>
  );
}
