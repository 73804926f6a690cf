import type { HookRow, TraceRow } from "../../protocol";
import { errorParts } from "../shared/errors";
import { formatExact, formatIndex, formatModule } from "../shared/format";
import { DIRECTION_WORDS } from "../shared/words";
import { hookTimes } from "./rows";

/** Three lines of fixed height about the selected site: where, how far, why. */
export function TraceDetails({ row, hooks }: { row: TraceRow | null; hooks: HookRow[] }) {
  if (row === null) {
    return (
      <div class="ov-details ov-details-errors ov-muted" data-testid="trace-details">
        Select a row to see where it differs most, by what measure, what is allowed and why, and its
        value in the ONNX graph.
      </div>
    );
  }
  return (
    <div class="ov-details ov-details-errors" data-testid="trace-details" data-site={row.site_id}>
      <p>
        <b>{formatModule(row.module)}</b> {DIRECTION_WORDS[row.direction]} {row.slot}
        <Worst row={row} />
        {row.value_name !== "" && (
          <span>
            <i>ONNX value</i> <code>{row.value_name}</code>
          </span>
        )}
      </p>
      <p class="ov-error-parts">
        <Errors row={row} />
      </p>
      <p>
        {[row.reason, row.reference.reason, row.candidate.reason].filter(Boolean).length > 0 && (
          <span>{reasons(row).join(" ")}</span>
        )}
        <HookTimes hooks={hooks} row={row} />
      </p>
    </div>
  );
}

/** How long the module's call took on the eager shadow, as its hooks saw it. */
function HookTimes({ hooks, row }: { hooks: HookRow[]; row: TraceRow }) {
  const times = hookTimes(hooks, row);
  if (times.length === 0) return null;
  return (
    <span title="Measured between the hooks of this call on the eager shadow">
      <i>eager call</i> {times.join(", ")}
    </span>
  );
}

function Errors({ row }: { row: TraceRow }) {
  return (
    <>
      {errorParts(row).map(({ label, text, title }) => (
        <span key={title} title={title}>
          {label !== "" && <i>{label} </i>}
          {text}
        </span>
      ))}
      {row.tolerance_reason !== "" && <span class="ov-muted">({row.tolerance_reason})</span>}
    </>
  );
}

function Worst({ row }: { row: TraceRow }) {
  if (row.worst_index === null) return null;
  return (
    <span>
      <i>worst at</i> <code>{formatIndex(row.worst_index)}</code>{" "}
      <span class="ov-ink-reference">eager {formatExact(row.worst_reference)}</span>{" "}
      <span class="ov-ink-candidate">ORT {formatExact(row.worst_candidate)}</span>
    </span>
  );
}

/** What is said of the row, each sentence once. */
function reasons(row: TraceRow): string[] {
  const said = [row.reason, row.reference.reason, row.candidate.reason].filter(
    (text) => text !== "",
  );
  return [...new Set(said)];
}
