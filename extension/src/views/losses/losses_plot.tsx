import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import type { LossName } from "../../protocol";
import { type DebuggerStore, sampledStepFor } from "../../state";
import { useStore } from "../shared/context";
import { px } from "../shared/format";
import type { Palette } from "../shared/palette";
import { Plot, type PlotPoint } from "../shared/plot";
import { useSize } from "../shared/use_size";
import { lossesFigure, MARGIN, stepLine } from "./figure";
import { type Lane, layoutLanes, mapRowAt } from "./lanes";
import { cellText } from "./map_trace";
import { Readout } from "./readout";
import { binOf, type Losses, type MaskMap, mainLoss } from "./series";
import type { LossesOptions } from "./toolbar";

interface LossesPlotProps {
  losses: Losses;
  map: MaskMap | null;
  /** The losses that have a lane unless the options hide it. */
  shown: readonly LossName[];
  options: LossesOptions;
  showMasks: boolean;
  resetKey: number;
  /** A step was clicked; `row` is the row of the map, null elsewhere. */
  onPick(step: number, row: number | null): void;
  onRange(range: [number, number] | null): void;
  onShowMasked(): void;
}

/** The figure, and beside each of its lanes the numbers at one step. */
export function LossesPlot(props: LossesPlotProps) {
  const { losses, map, shown, options, showMasks, resetKey, ...on } = props;
  const store = useStore();
  const box = useRef<HTMLDivElement>(null);
  const { height } = useSize(box);
  const [pointer, setPointer] = useState<PlotPoint | null>(null);
  const lanes = useLanes(height, losses, map, { shown, options, showMasks });
  const figure = useFigure(losses, map, lanes, options);
  const mapRows = map?.positions.length ?? 0;
  const step = store.step.value;
  const shapes = useCallback((palette: Palette) => stepLine(step, palette), [step]);
  const pointed = pointer && stepAt(losses, pointer.x);
  return (
    <div class="ov-losses-plot" ref={box}>
      <Plot
        label={`Losses of steps ${losses.first_step} to ${losses.last_step}; the step strip above chooses a step by keyboard`}
        testid="loss-plot"
        margin={MARGIN}
        figure={figure}
        shapes={shapes}
        resetKey={resetKey}
        onPick={(point) => {
          const picked = stepAt(losses, point.x);
          if (picked !== null) on.onPick(picked, mapRowAt(lanes, point.top, mapRows));
        }}
        onPoint={setPointer}
        onRange={on.onRange}
      >
        {pointer && <div class="ov-crosshair" style={{ left: px(pointer.left) }} />}
      </Plot>
      <Readout
        losses={losses}
        lanes={lanes}
        main={mainLoss(losses)}
        maskLoss={options.maskLoss}
        step={pointed ?? readStep(store, losses)}
        pointed={pointed !== null}
        cell={pointer && map && cellUnder(map, pointer, mapRowAt(lanes, pointer.top, mapRows))}
        axisLabel={map?.axis_label ?? ""}
        eagerOnly={store.eagerOnly.value}
        onShowMasked={on.onShowMasked}
      />
    </div>
  );
}

/**
 * The step whose numbers are read: the shown one. Where views follow a live run, its losses may
 * arrive a moment after the step; then the newest sampled step that has some.
 */
function readStep(store: DebuggerStore, losses: Losses): number | null {
  const step = store.step.value;
  const follows = store.live.value && store.selection.pickedStep.value === null;
  const first = losses.steps.values.at(-1);
  const sampled = store.summary.data.value?.sampled_steps.values;
  if (step === null || !follows || first === undefined || sampled === undefined) return step;
  const known = Math.min(step, first + losses.steps_per_bin - 1);
  return sampledStepFor(sampled, known) ?? known;
}

function useLanes(
  height: number,
  losses: Losses,
  map: MaskMap | null,
  { shown, options, showMasks }: Pick<LossesPlotProps, "shown" | "options" | "showMasks">,
): Lane[] {
  const live = useStore().live.value;
  const main = mainLoss(losses);
  const drawn = shown.filter((loss) => !options.hidden.has(loss));
  const mapRows = live ? null : (map?.positions.length ?? 0);
  return useMemo(() => {
    const area = Math.max(0, height - MARGIN.top - MARGIN.bottom);
    return layoutLanes(area, { losses: drawn, main, mapRows, showMasks });
  }, [height, drawn.join(), main, mapRows, showMasks]);
}

function useFigure(
  losses: Losses,
  map: MaskMap | null,
  lanes: readonly Lane[],
  { log, maskLoss }: LossesOptions,
) {
  const store = useStore();
  const live = store.live.value;
  const eagerOnly = store.eagerOnly.value;
  const totalSteps = store.summary.data.value?.total_steps ?? null;
  return useCallback(
    (size: { width: number; height: number }, palette: Palette) =>
      lossesFigure(
        { losses, map, lanes, maskLoss, log, live, totalSteps, eagerOnly, palette },
        size,
      ),
    [losses, map, lanes, maskLoss, log, live, totalSteps, eagerOnly],
  );
}

/** The recorded step nearest to a place on the axis; with folded steps the one inside the bin. */
function stepAt(losses: Losses, x: number): number | null {
  const first = losses.steps.values[0];
  const last = losses.steps.values.at(-1);
  if (first === undefined || last === undefined) return null;
  const step = Math.min(Math.max(Math.round(x), first), last + losses.steps_per_bin - 1);
  return Math.min(step, Math.max(last, losses.last_step));
}

function cellUnder(map: MaskMap, pointer: PlotPoint, row: number | null): string | null {
  const column = binOf(map.steps.values, map.steps_per_bin, Math.round(pointer.x));
  return row === null || column === null ? null : cellText(map, row, column);
}
