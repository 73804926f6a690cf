import { useState } from "preact/hooks";
import type { GraphStructure } from "../../../graph/structure";
import type { Answer, SideName, TraceRow } from "../../../protocol";
import { useStore } from "../../shared/context";
import { formatCount, formatNumber } from "../../shared/format";
import { SideMark, VerdictBadge } from "../../shared/symbols";
import { useInspector } from "../inspector_context";
import { TensorValues } from "./tensor_values";

type ValueRow = Answer<"graph_details">["nodes"][number]["inputs"][number];

interface ValueProps {
  structure: GraphStructure;
  value: ValueRow;
  /** What the shown step recorded of it; null where nothing was. */
  trace: TraceRow | null;
  /** Null while it is not known what was recorded. */
  step: number | null;
}

/** One tensor of a node: what it is, and what a step recorded of it on both sides. */
export function ValueCard({ structure, value, trace, step }: ValueProps) {
  const [open, setOpen] = useState(false);
  const inspector = useInspector();
  const { selection } = useStore();
  const { mode, stage } = structure;
  const go = async () => {
    const found = await structure.valueNamed(value.name);
    if (found !== undefined) inspector.pickNodes(structure, [structure.producer(found)]);
  };
  const readable = trace !== null || value.kind === "constant";
  if (value.kind === "absent") {
    return (
      <p class="ov-value ov-muted">
        <b>{value.slot}</b> left out
      </p>
    );
  }
  return (
    <div class="ov-value" data-testid="value" data-name={value.name}>
      <p>
        <b>{value.slot}</b> <span class="ov-mono">{tensorText(value)}</span>
        {value.kind !== "value" && <span class="ov-tag">{value.kind}</span>}
      </p>
      <p class="ov-mono ov-breaks">
        <button type="button" class="ov-link" onClick={() => void go()} title="Go to its maker">
          {value.name}
        </button>
      </p>
      {trace === null && step !== null && value.kind === "value" && (
        <p class="ov-muted">not recorded at step {step}</p>
      )}
      {trace !== null && (
        <>
          <Recorded trace={trace} side="reference" />
          <Recorded trace={trace} side="candidate" />
          <p>
            <VerdictBadge verdict={trace.verdict} origin={trace.origin} />{" "}
            {trace.max_abs_error !== null && (
              <span class="ov-muted">max abs err {formatNumber(trace.max_abs_error)}</span>
            )}{" "}
            <button
              type="button"
              class="ov-link"
              onClick={() => {
                selection.pickSite(trace);
                selection.view.value = "traces";
              }}
            >
              in Traces
            </button>
          </p>
        </>
      )}
      {readable && (
        <button
          type="button"
          class="ov-link"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          data-testid="value-elements"
        >
          {open ? "hide values" : "values"}
        </button>
      )}
      {open && value.kind === "constant" && (
        <TensorValues command="graph_constant" params={{ mode, stage, name: value.name }} />
      )}
      {open &&
        trace !== null &&
        step !== null &&
        (["reference", "candidate"] as const).map((side) => (
          <TensorValues
            key={side}
            command="tensor_values"
            params={{ step, site_id: trace.site_id, side }}
          />
        ))}
    </div>
  );
}

function Recorded({ trace, side }: { trace: TraceRow; side: SideName }) {
  const cell = trace[side];
  const nonfinite = cell.nan_count + cell.inf_count;
  return (
    <p class="ov-value-stats">
      <SideMark side={side} />{" "}
      {cell.status === "captured" ? (
        <>
          {formatNumber(cell.minimum)} … {formatNumber(cell.maximum)} · L2{" "}
          {formatNumber(cell.l2_norm)}
          {nonfinite > 0 && <b class="ov-look"> {formatCount(nonfinite)} NaN or ∞</b>}
        </>
      ) : (
        <span class="ov-muted">{cell.reason || cell.status.replace("_", " ")}</span>
      )}
    </p>
  );
}

function tensorText({ dtype, shape }: ValueRow): string {
  return `${dtype} ${shape === null ? "(?)" : `(${shape.join(", ")})`}`;
}
