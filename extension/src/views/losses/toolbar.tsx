import type { LossName, MaskedLossName } from "../../protocol";
import { Segmented } from "../shared/controls";
import { plural } from "../shared/format";
import { KINDS } from "./kinds";
import { type Losses, lossLabel, masksKnown } from "./series";

/** How the losses are shown. */
export interface LossesOptions {
  log: boolean;
  hidden: ReadonlySet<LossName>;
  maskLoss: MaskedLossName;
}

interface ToolbarProps {
  losses: Losses;
  all: readonly LossName[];
  options: LossesOptions;
  showMasks: boolean;
  onChange(options: LossesOptions): void;
  /** Undo the zoom; null when nothing is zoomed. */
  onWholeRun: (() => void) | null;
}

/** Which losses, which scale, whose masks. */
export function LossesToolbar(props: ToolbarProps) {
  const { losses, options, showMasks, onChange, onWholeRun } = props;
  const { log, maskLoss } = options;
  return (
    <div class="ov-toolbar">
      <LossChips {...props} />
      <Segmented
        label="Scale"
        value={log ? "log" : "linear"}
        choices={[
          { value: "linear", label: "linear" },
          { value: "log", label: "log" },
        ]}
        onChange={(value) => onChange({ ...options, log: value === "log" })}
        testid="loss-scale"
      />
      <button
        type="button"
        class="ov-button"
        disabled={onWholeRun === null}
        title={onWholeRun ? "Show all steps again" : "Drag in the curves to zoom in"}
        onClick={() => onWholeRun?.()}
        data-testid="whole-run"
      >
        whole run
      </button>
      {showMasks && (
        <Segmented
          label="Masked elements of"
          value={maskLoss}
          choices={[
            { value: "mape", label: "masked in MAPE" },
            { value: "smape", label: "in sMAPE" },
          ]}
          onChange={(value) => onChange({ ...options, maskLoss: value })}
          testid="mask-loss"
        />
      )}
      {showMasks && <KindLegend />}
      <span class="ov-muted ov-toolbar-end" title={losses.notes.join("\n")}>
        {rangeText(losses, showMasks)}
      </span>
    </div>
  );
}

function LossChips({ losses, all, options, onChange }: ToolbarProps) {
  const { hidden } = options;
  return (
    <fieldset class="ov-chips">
      <legend class="ov-sr">Shown losses</legend>
      {all.map((loss) => (
        <button
          key={loss}
          type="button"
          class="ov-chip"
          aria-pressed={!hidden.has(loss)}
          onClick={() => onChange({ ...options, hidden: toggled(hidden, loss, all.length) })}
          data-testid={`loss-toggle-${loss}`}
        >
          {lossLabel(loss, losses.trains_with)}
        </button>
      ))}
    </fieldset>
  );
}

/** Which mark means which kind of value that is not a number. */
function KindLegend() {
  return (
    <span class="ov-kinds">
      {KINDS.map(({ kind, label }) => (
        <span key={kind} class={`ov-kind ov-kind-${kind}`}>
          <i aria-hidden="true" /> {label}
        </span>
      ))}
    </span>
  );
}

/** What is drawn, or what the masks say where their lanes are left out. */
export function rangeText(losses: Losses, showMasks: boolean): string {
  const { steps_per_bin, steps } = losses;
  if (steps_per_bin > 1)
    return `${steps_per_bin} steps a point, band = least to largest; drag to zoom`;
  if (!masksKnown(losses)) return "masks not computed";
  return showMasks ? "" : `no element masked in ${plural(steps.values.length, "step")}`;
}

/** Turn a lane on or off; the last one stays. */
export function toggled(
  hidden: ReadonlySet<LossName>,
  loss: LossName,
  count: number,
): Set<LossName> {
  const next = new Set(hidden);
  if (next.has(loss)) next.delete(loss);
  else if (next.size < count - 1) next.add(loss);
  return next;
}
