import type { LossName, MaskedLossName, SideName } from "../../protocol";
import { formatCount, formatExact, formatNumber, px } from "../shared/format";
import { SIDE_LABELS, SideMark } from "../shared/symbols";
import { MARGIN } from "./figure";
import { KIND_WORDS } from "./kinds";
import type { Lane } from "./lanes";
import {
  findSeries,
  type Losses,
  lossLabel,
  markAt,
  marksAt,
  maskedAt,
  unmarkedText,
  valueAt,
} from "./series";

interface ReadoutProps {
  losses: Losses;
  lanes: readonly Lane[];
  main: LossName | null;
  maskLoss: MaskedLossName;
  step: number | null;
  /** The step is the one under the pointer, not the selected one. */
  pointed: boolean;
  /** What the cell of the map under the pointer holds. */
  cell: string | null;
  axisLabel: string;
  /** The model trains in eager PyTorch: what else is ORT's is eager's own then. */
  eagerOnly: boolean;
  onShowMasked(): void;
}

/** The exact numbers at the step under the pointer, else at the selected one, beside each lane. */
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
      return <StepReadout {...props} />;
    case "masked":
      return <MaskedReadout {...props} />;
    case "map":
      return <p class="ov-muted">{props.cell ?? `where, by ${props.axisLabel || "position"}`}</p>;
    default:
      return <LossReadout loss={lane.id} {...props} />;
  }
}

function LossReadout({ loss, losses, main, step, eagerOnly }: ReadoutProps & { loss: LossName }) {
  const label = lossLabel(loss, losses.trains_with);
  const sides: SideName[] = eagerOnly ? ["candidate"] : ["reference", "candidate"];
  return (
    <div class="ov-readout-loss">
      <p class="ov-readout-title ov-readout-name">
        <span class="ov-ellipsis" title={label}>
          {label}
        </span>
        {loss === main && <span class="ov-tag">trains with</span>}
      </p>
      <dl>
        {sides.map((side) => (
          <div key={side}>
            <dt>
              <SideMark side={eagerOnly ? "reference" : side} />
              <span class="ov-sr">{SIDE_LABELS[eagerOnly ? "reference" : side]}</span>
            </dt>
            <SideValue losses={losses} loss={loss} side={side} step={step} />
          </div>
        ))}
      </dl>
    </div>
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
  if (mark) return <dd class="ov-look">{KIND_WORDS[mark.kind]}</dd>;
  const why = side === "reference" ? "Eager runs at sampled steps only." : "Not recorded.";
  return (
    <dd class="ov-muted" title={why}>
      –
    </dd>
  );
}

function StepReadout({ losses, step, pointed }: ReadoutProps) {
  if (step === null) return <p class="ov-muted">no step selected</p>;
  const marks = marksAt(losses, step);
  return (
    <>
      <p class="ov-readout-title">
        step {formatCount(step)}{" "}
        <span class="ov-readout-how">{pointed ? "at pointer" : "selected"}</span>
      </p>
      {marks.length > 0 ? (
        <p class="ov-look ov-ellipsis" title={marks.join(", ")}>
          {marks.join(", ")}
        </p>
      ) : (
        <p class="ov-muted ov-ellipsis" title="The loss's gradient and all losses shown here">
          {unmarkedText(losses, step)}
        </p>
      )}
    </>
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
