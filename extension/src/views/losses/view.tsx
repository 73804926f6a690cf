import { useState } from "preact/hooks";
import type { LossName } from "../../protocol";
import { useStore } from "../shared/context";
import { plural } from "../shared/format";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { LossesPlot } from "./losses_plot";
import { MaskPanel } from "./mask_panel";
import { maskedStep } from "./masked_step";
import { anythingMasked, type Losses, mainLoss, masksKnown, shownLosses } from "./series";
import { type LossesOptions, LossesToolbar } from "./toolbar";

/** The question that a live kernel answers unasked, so that it need not be idle to be asked. */
const PUSHED = { max_points: 500 };

type StepRange = [first: number, last: number];

/** The three losses over the steps, what their masking hid, and where it was not finite. */
export function LossesView({ active }: { active: boolean }) {
  const store = useStore();
  const [range, setRange] = useState<StepRange | null>(null);
  const known = store.summary.data.value !== null;
  const question = store.live.value ? PUSHED : {};
  const whole = useResource("losses", known ? question : null, active);
  const folded = (whole.data?.steps_per_bin ?? 1) > 1;
  const zoom = range !== null && folded ? { first_step: range[0], last_step: range[1] } : null;
  const detail = useResource("losses", zoom, active);
  const losses = (zoom && !detail.previous && detail.data) || whole.data;
  if (whole.error && !losses) return <Failure message={whole.error} onRetry={whole.retry} />;
  if (!losses) return <Loading what="the losses" />;
  // Zooming in on steps where a loss has no value does not take its lane away.
  const shown = shownLosses(whole.data ?? losses);
  if (losses.steps.values.length === 0 || shown.length === 0) return <NoLoss losses={losses} />;
  return (
    <LossesBody active={active} losses={losses} shown={shown} zoom={zoom} onRange={setRange} />
  );
}

function NoLoss({ losses }: { losses: Losses }) {
  const store = useStore();
  const steps = store.summary.data.value?.step_count ?? losses.steps.values.length;
  const title = store.live.value
    ? "No loss has been seen yet."
    : `No loss was seen in ${plural(steps, "step")}.`;
  return (
    <Empty title={title}>
      {losses.notes.length > 0 ? (
        losses.notes.map((note) => <p key={note}>{note}</p>)
      ) : (
        <p>
          Train with the wrapped model: call it, compute a loss from its output and run{" "}
          <code>loss.backward()</code>. Curves of MAE, MAPE and sMAPE appear here with the first
          step.
        </p>
      )}
    </Empty>
  );
}

interface BodyProps {
  active: boolean;
  losses: Losses;
  /** The losses that have a lane. */
  shown: readonly LossName[];
  zoom: { first_step: number; last_step: number } | null;
  onRange(range: StepRange | null): void;
}

function LossesBody({ active, losses, shown, zoom, onRange }: BodyProps) {
  const store = useStore();
  const [options, setOptions] = useState(() => initialOptions(losses));
  const [panelOpen, setPanelOpen] = useState(false);
  const [zoomed, setZoomed] = useState(false);
  const [resetKey, setResetKey] = useState(0);
  const map = useResource("mask_map", { loss: options.maskLoss, ...zoom }, active);
  const step = store.step.value;
  const showMasks = masksKnown(losses) && (store.live.value || anythingMasked(losses));
  const pick = (picked: number, row: number | null) => {
    store.selection.pickStep(picked);
    if (row === null || map.data === null) return;
    void maskedStep(store.cache, losses, map.data, { row, step: picked }).then((found) => {
      if (found === null) return;
      store.selection.pickStep(found);
      setPanelOpen(true);
    });
  };
  return (
    <section class="ov-losses">
      <LossesToolbar
        losses={losses}
        all={shown}
        options={options}
        showMasks={showMasks}
        onChange={setOptions}
        onWholeRun={zoomed ? () => setResetKey(resetKey + 1) : null}
      />
      <div class="ov-losses-main">
        <LossesPlot
          losses={losses}
          map={map.data}
          shown={shown}
          options={options}
          showMasks={showMasks}
          resetKey={resetKey}
          onPick={pick}
          onRange={(range) => {
            setZoomed(range !== null);
            onRange(range && wholeSteps(range));
          }}
          onShowMasked={() => setPanelOpen(true)}
        />
        {panelOpen && step !== null && (
          <MaskPanel loss={options.maskLoss} step={step} onClose={() => setPanelOpen(false)} />
        )}
      </div>
      <Notes notes={losses.notes} />
    </section>
  );
}

function initialOptions(losses: Losses): LossesOptions {
  const maskLoss = mainLoss(losses) === "smape" ? "smape" : "mape";
  return { log: false, hidden: new Set(), maskLoss };
}

function wholeSteps(range: [number, number]): StepRange {
  return [Math.max(0, Math.floor(range[0])), Math.max(0, Math.ceil(range[1]))];
}
