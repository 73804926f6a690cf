import type { SideName, WireFloat } from "../../protocol";
import { toNumber } from "../../protocol";
import { formatExact, formatNumber } from "../shared/format";
import { SIDE_LABELS, VerdictSign } from "../shared/symbols";
import {
  axisShare,
  axisTicks,
  type GradientRow,
  type LogAxis,
  SPECIAL_STATES,
  stateWord,
} from "./axis";

const SIDES: readonly SideName[] = ["reference", "candidate"];
const LABELS_MAX = 9;

/** What each part of a row is, and the decades of the axis. */
export function GradientHeader({ axis, kind }: { axis: LogAxis | null; kind: string }) {
  return (
    <div class="ov-grad-row ov-grad-head" role="row">
      <span class="ov-sticky" role="columnheader">
        {kind}
      </span>
      <span class="ov-grad-special" role="columnheader">
        {SPECIAL_STATES.map(({ state, label, title }) => (
          <span key={state} title={title}>
            {label}
          </span>
        ))}
      </span>
      <span
        class="ov-grad-axis"
        role="columnheader"
        title="L2 norm of the gradient's finite elements"
      >
        {axis === null && <span class="ov-grad-none">no norm is finite and above 0</span>}
        {axis &&
          axisTicks(axis, LABELS_MAX).map((exponent) => (
            <span
              key={exponent}
              class="ov-grad-tick"
              style={{ left: percent((exponent - axis.low) / (axis.high - axis.low)) }}
            >
              10<sup>{String(exponent).replace("-", "−")}</sup>
            </span>
          ))}
      </span>
      <span class="ov-num" role="columnheader">
        eager
      </span>
      <span class="ov-num" role="columnheader">
        ORT
      </span>
      <span
        class="ov-num"
        role="columnheader"
        title="ORT's gradient norm divided by the norm of the weight"
      >
        ‖g‖/‖w‖
      </span>
    </div>
  );
}

export function GradientRowView({ row, axis }: { row: GradientRow; axis: LogAxis | null }) {
  return (
    <div class="ov-grad-row" title={row.reason}>
      <span class="ov-sticky ov-site" role="gridcell">
        <VerdictSign verdict={row.verdict} origin={row.origin} />
        <span class="ov-site-name">{row.label}</span>
      </span>
      <Special row={row} />
      <Dumbbell row={row} axis={axis} />
      <Norm value={row.reference_norm} state={row.reference_state} />
      <Norm value={row.candidate_norm} state={row.candidate_state} />
      <span class="ov-num" role="gridcell">
        {ratioText(row)}
      </span>
    </div>
  );
}

/** Marks of each side in the lanes None, 0, NaN and ∞. */
function Special({ row }: { row: GradientRow }) {
  const states = { reference: row.reference_state, candidate: row.candidate_state };
  return (
    <span class="ov-grad-special" role="gridcell">
      {SPECIAL_STATES.map(({ state, label }) => (
        <span key={state}>
          {SIDES.filter((side) => states[side] === state).map((side) => (
            <Marker key={side} side={side} title={`${SIDE_LABELS[side]}: ${label}`} />
          ))}
        </span>
      ))}
    </span>
  );
}

/** Both norms on the axis, joined by a line: where it is long, the sides differ. */
function Dumbbell({ row, axis }: { row: GradientRow; axis: LogAxis | null }) {
  const reference = axis && axisShare(axis, row.reference_norm);
  const candidate = axis && axisShare(axis, row.candidate_norm);
  const both = reference !== null && candidate !== null;
  return (
    <span
      class="ov-grad-axis"
      role="gridcell"
      style={axis ? { "--ov-decades": axis.high - axis.low } : undefined}
    >
      {both && (
        <span
          class="ov-grad-link"
          style={{
            left: percent(Math.min(reference, candidate)),
            width: percent(Math.abs(reference - candidate)),
          }}
        />
      )}
      {reference !== null && (
        <Marker
          side="reference"
          share={reference}
          title={`eager ${formatExact(row.reference_norm)}`}
        />
      )}
      {candidate !== null && (
        <Marker
          side="candidate"
          share={candidate}
          title={`ORT ${formatExact(row.candidate_norm)}`}
        />
      )}
    </span>
  );
}

function Marker({ side, share, title }: { side: SideName; share?: number; title: string }) {
  const style = share === undefined ? undefined : { left: percent(share) };
  return <i class={`ov-marker ov-marker-${side}`} style={style} title={title} />;
}

function Norm({ value, state }: { value: WireFloat; state: GradientRow["reference_state"] }) {
  const word = stateWord(state);
  const loud = state === "nan" || state === "inf";
  return (
    <span
      class={`ov-num${loud ? " ov-look" : word ? " ov-muted" : ""}`}
      role="gridcell"
      title={formatExact(value)}
    >
      {word === "" ? formatNumber(value) : word}
    </span>
  );
}

function ratioText(row: GradientRow): string {
  const gradient = toNumber(row.candidate_norm);
  const weight = toNumber(row.weight_norm);
  if (gradient === null || weight === null || weight === 0) return "";
  return formatNumber(gradient / weight);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
