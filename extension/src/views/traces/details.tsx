import type { HookRow, StatsCell, TraceRow } from "../../protocol";
import { errorParts, shareText } from "../shared/errors";
import {
  formatCount,
  formatExact,
  formatIndex,
  formatModule,
  formatNumber,
} from "../shared/format";
import { HistogramFigure } from "../shared/histogram_figure";
import { DIRECTION_WORDS } from "../shared/words";
import { hookTimes } from "./rows";

/** Three lines of fixed height about the selected site: what, how far, why. */
export function TraceDetails(props: { row: TraceRow | null; hooks: HookRow[]; step: number }) {
  const { row, hooks, step } = props;
  if (row === null) {
    return (
      <div class="ov-details ov-details-errors ov-muted" data-testid="trace-details">
        Select a row to see where it differs most, by what measure, what is allowed and why, and its
        value in the ONNX graph.
      </div>
    );
  }
  const said = reasons(row).join(" ");
  return (
    <div class="ov-details ov-details-errors" data-testid="trace-details" data-site={row.site_id}>
      <HistogramFigure step={step} siteId={row.site_id} />
      <p>
        <b>{formatModule(row.module)}</b> {DIRECTION_WORDS[row.direction]} {row.slot}
        <Worst row={row} />
        <Nonfinite side="eager" cell={row.reference} />
        <Nonfinite side="ORT" cell={row.candidate} />
        <Both row={row} label="L2" of={(cell) => formatNumber(cell.l2_norm)} />
        <Both row={row} label="zeros" of={zeroText} />
        {row.value_name !== "" && (
          <span class="ov-gives-way">
            <i>ONNX value</i> <code>{row.value_name}</code>
          </span>
        )}
        <HookTimes hooks={hooks} row={row} />
      </p>
      <p class="ov-error-parts">
        <Errors row={row} />
      </p>
      <p>
        <span title={said}>{said}</span>
      </p>
    </div>
  );
}

/** How long the module's call took on the eager shadow, as its hooks saw it. */
function HookTimes({ hooks, row }: { hooks: HookRow[]; row: TraceRow }) {
  const times = hookTimes(hooks, row);
  if (times.length === 0) return null;
  return (
    <span class="ov-gives-way" title="Measured between the hooks of this call on the eager shadow">
      <i>eager call</i> {times.join(", ")}
    </span>
  );
}

/** One statistic of both sides; nothing where neither was seen. */
function Both(props: { row: TraceRow; label: string; of(cell: StatsCell): string }) {
  const { row, label, of } = props;
  const seen = (cell: StatsCell) => cell.status === "captured";
  if (!seen(row.reference) && !seen(row.candidate)) return null;
  return (
    <span>
      <i>{label}</i>{" "}
      {seen(row.reference) && <span class="ov-ink-reference">{of(row.reference)}</span>}{" "}
      {seen(row.candidate) && <span class="ov-ink-candidate">{of(row.candidate)}</span>}
    </span>
  );
}

function zeroText({ zero_count, element_count }: StatsCell): string {
  return element_count === 0 ? "no elements" : shareText(zero_count / element_count);
}

/** What is not finite, and where the first of each kind is. */
function Nonfinite({ side, cell }: { side: string; cell: StatsCell }) {
  if (cell.nonfinite.length === 0) return null;
  const kinds = cell.nonfinite.map(({ kind, count, first_index }) => {
    const where = first_index === null ? "" : ` first at ${formatIndex(first_index)}`;
    return `${formatCount(count)} ${formatNumber(kind)}${where}`;
  });
  return (
    <span class="ov-look">
      <i>{side}</i> {kinds.join(", ")}
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
      {row.tolerance_reason !== "" && (
        <span>
          <i>allowed by</i> {row.tolerance_reason}
        </span>
      )}
    </>
  );
}

function Worst({ row }: { row: TraceRow }) {
  if (row.worst_index === null) return null;
  return (
    <span class="ov-stays">
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
