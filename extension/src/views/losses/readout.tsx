import type { LossName, MaskedLossName, SideName } from "../../protocol";
import { formatCount, formatExact, formatNumber, px } from "../shared/format";
import { SIDE_LABELS, SideMark } from "../shared/symbols";
import { MARGIN } from "./figure";
import type { Lane } from "./lanes";
import { findSeries, type Losses, lossLabel, markAt, maskedAt, valueAt } from "./series";

interface ReadoutProps {
  losses: Losses;
  lanes: readonly Lane[];
  main: LossName | null;
  maskLoss: MaskedLossName;
  step: number | null;
  axisLabel: string;
  onShowMasked(): void;
}

/** The exact numbers at the selected step, each beside its lane. */
export function Readout(props: ReadoutProps) {
  return (
    <div class="ov-readout" data-testid="loss-readout">
      {props.lanes.map((lane) => (
        <div
          key={lane.id}
          class="ov-readout-lane"
          style={{ top: px(MARGIN.top + lane.top), height: px(lane.height) }}
          data-testid={`readout-${lane.id}`}
        >
          <LaneReadout lane={lane} {...props} />
        </div>
      ))}
    </div>
  );
}

function LaneReadout({ lane, ...props }: ReadoutProps & { lane: Lane }) {
  switch (lane.id) {
    case "nonfinite":
      return <NonfiniteReadout losses={props.losses} />;
    case "masked":
      return <MaskedReadout {...props} />;
    case "map":
      return <p class="ov-muted">where, by {props.axisLabel || "position"}</p>;
    default:
      return <LossReadout loss={lane.id} {...props} />;
  }
}

function LossReadout({ loss, losses, main, step }: ReadoutProps & { loss: LossName }) {
  return (
    <>
      <p class="ov-readout-title">
        {lossLabel(loss, losses.trains_with)}
        {loss === main && <span class="ov-tag">trains with</span>}
      </p>
      <dl>
        {(["reference", "candidate"] as const).map((side) => (
          <div key={side}>
            <dt>
              <SideMark side={side} />
              <span class="ov-sr">{SIDE_LABELS[side]}</span>
            </dt>
            <SideValue losses={losses} loss={loss} side={side} step={step} />
          </div>
        ))}
      </dl>
    </>
  );
}

function SideValue(props: { losses: Losses; loss: LossName; side: SideName; step: number | null }) {
  const { losses, loss, side, step } = props;
  const series = findSeries(losses, loss, side);
  const value = series && step !== null ? valueAt(losses, series.last.values, step) : null;
  if (value !== null && Number.isFinite(value)) {
    return <dd title={formatExact(value)}>{formatNumber(value)}</dd>;
  }
  const mark = step === null ? null : markAt(losses, loss, side, step);
  if (mark) return <dd class="ov-look">{{ nan: "NaN", inf: "+∞", "-inf": "−∞" }[mark.kind]}</dd>;
  const why = side === "reference" ? "Eager runs at sampled steps only." : "Not recorded.";
  return (
    <dd class="ov-muted" title={why}>
      –
    </dd>
  );
}

function NonfiniteReadout({ losses }: { losses: Losses }) {
  const count = losses.marks.length + losses.marks_left_out_count;
  if (count === 0) return <p class="ov-muted">gradient and losses all finite</p>;
  const first = losses.marks.reduce((least, mark) => Math.min(least, mark.step), Infinity);
  return (
    <p>
      <span class="ov-look">not finite</span> since step {formatCount(first)}
    </p>
  );
}

function MaskedReadout(props: ReadoutProps) {
  const { losses, maskLoss, step } = props;
  const counts = step === null ? null : maskedAt(losses, maskLoss, step);
  const total = counts ? counts.nan + counts.posinf + counts.neginf : 0;
  const binned = losses.steps_per_bin > 1;
  return (
    <>
      <p class="ov-readout-title">masked</p>
      {total === 0 ? (
        <p class="ov-muted">none {binned ? "in these steps" : "at this step"}</p>
      ) : (
        <button
          type="button"
          class="ov-link"
          onClick={props.onShowMasked}
          data-testid="show-masked"
        >
          {formatCount(total)}
          {!binned && losses.element_count > 0 && ` of ${formatCount(losses.element_count)}`}
        </button>
      )}
    </>
  );
}
