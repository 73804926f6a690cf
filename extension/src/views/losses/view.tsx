import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { useStore } from "../shared/context";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { type Palette, type PickedPoint, Plot } from "../shared/plot";
import { useResource } from "../shared/use_resource";
import { useSize } from "../shared/use_size";
import { lossesFigure, MARGIN, stepLine } from "./figure";
import { layoutLanes } from "./lanes";
import { MaskPanel } from "./mask_panel";
import { Readout } from "./readout";
import { anythingMasked, type Losses, mainLoss, shownLosses } from "./series";
import { type LossesOptions, LossesToolbar } from "./toolbar";

type StepRange = [first: number, last: number];

/** The three losses over the steps, what their masking hid, and where it was not finite. */
export function LossesView({ active }: { active: boolean }) {
  const [range, setRange] = useState<StepRange | null>(null);
  const whole = useResource("losses", {}, active);
  const folded = (whole.data?.steps_per_bin ?? 1) > 1;
  const zoom = range !== null && folded ? { first_step: range[0], last_step: range[1] } : null;
  const detail = useResource("losses", zoom, active);
  const losses = (zoom && !detail.previous && detail.data) || whole.data;
  if (whole.error && !losses) return <Failure message={whole.error} onRetry={whole.retry} />;
  if (!losses) return <Loading what="the losses" />;
  if (losses.steps.values.length === 0) return <NothingYet notes={losses.notes} />;
  return <LossesBody active={active} losses={losses} zoom={zoom} onRange={setRange} />;
}

function NothingYet({ notes }: { notes: readonly string[] }) {
  return (
    <Empty title="No loss has been seen yet.">
      <p>
        Train with the wrapped model: call it, compute a loss from its output and run{" "}
        <code>loss.backward()</code>. Curves of MAE, MAPE and sMAPE appear here with the first step.
      </p>
      <Notes notes={notes} />
    </Empty>
  );
}

interface BodyProps {
  active: boolean;
  losses: Losses;
  zoom: { first_step: number; last_step: number } | null;
  onRange(range: StepRange | null): void;
}

function LossesBody({ active, losses, zoom, onRange }: BodyProps) {
  const store = useStore();
  const main = mainLoss(losses);
  const [options, setOptions] = useState<LossesOptions>({
    log: false,
    hidden: new Set(),
    maskLoss: main === "smape" ? "smape" : "mape",
  });
  const [panelStep, setPanelStep] = useState<number | null>(null);
  const { maskLoss } = options;
  const map = useResource("mask_map", { loss: maskLoss, ...zoom }, active);
  const step = store.step.value;
  const showMasks = store.live.value || anythingMasked(losses);
  const pick = (points: PickedPoint[]) => {
    const cell = points.find((point) => point.trace === "map");
    const point = cell ?? points[0];
    if (point === undefined) return;
    store.selection.pickStep(Math.round(point.x));
    if (cell !== undefined) setPanelStep(Math.round(point.x));
  };
  return (
    <section class="ov-losses">
      <LossesToolbar
        losses={losses}
        all={shownLosses(losses)}
        options={options}
        showMasks={showMasks}
        onChange={setOptions}
      />
      <div class="ov-losses-main">
        <LossesPlot
          losses={losses}
          map={map.data}
          options={options}
          showMasks={showMasks}
          onPick={pick}
          onRange={(range) =>
            onRange(range && [Math.max(0, Math.floor(range[0])), Math.max(0, Math.ceil(range[1]))])
          }
          onShowMasked={() => setPanelStep(step)}
        />
        {panelStep !== null && (
          <MaskPanel loss={maskLoss} step={panelStep} onClose={() => setPanelStep(null)} />
        )}
      </div>
      <Notes notes={losses.notes} />
    </section>
  );
}

interface LossesPlotProps {
  losses: Losses;
  map: Parameters<typeof lossesFigure>[0]["map"];
  options: LossesOptions;
  showMasks: boolean;
  onPick(points: PickedPoint[]): void;
  onRange(range: StepRange | null): void;
  onShowMasked(): void;
}

/** The figure, and beside each of its lanes the numbers at the selected step. */
function LossesPlot({ losses, map, options, showMasks, ...on }: LossesPlotProps) {
  const store = useStore();
  const box = useRef<HTMLDivElement>(null);
  const { height } = useSize(box);
  const main = mainLoss(losses);
  const shown = shownLosses(losses).filter((loss) => !options.hidden.has(loss));
  const mapRows = map?.positions.length ?? 0;
  const step = store.step.value;
  const live = store.live.value;
  const { log, maskLoss } = options;
  const lanes = useMemo(() => {
    const area = Math.max(0, height - MARGIN.top - MARGIN.bottom);
    return layoutLanes(area, { losses: shown, main, mapRows, showMasks });
  }, [height, shown.join(), main, mapRows, showMasks]);
  const figure = useCallback(
    (size: { height: number }, palette: Palette) =>
      lossesFigure({ losses, map, lanes, maskLoss, log, live, palette }, size.height),
    [losses, map, lanes, maskLoss, log, live],
  );
  const shapes = useCallback((palette: Palette) => stepLine(step, palette), [step]);
  return (
    <div class="ov-losses-plot" ref={box}>
      <Plot
        label={`Losses of steps ${losses.first_step} to ${losses.last_step}; the step strip above chooses a step by keyboard`}
        testid="loss-plot"
        figure={figure}
        shapes={shapes}
        onPick={on.onPick}
        onRange={on.onRange}
      />
      <Readout
        losses={losses}
        lanes={lanes}
        main={main}
        maskLoss={maskLoss}
        step={step}
        axisLabel={map?.axis_label ?? ""}
        onShowMasked={on.onShowMasked}
      />
    </div>
  );
}
