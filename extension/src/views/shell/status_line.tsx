import type { Answer, TraceRow } from "../../protocol";
import { rowOfModule } from "../../state";
import { useStore } from "../shared/context";
import { floorsText } from "../shared/errors";
import { formatModule, formatNumber, formatShape } from "../shared/format";
import { VerdictBadge } from "../shared/symbols";
import { useResource } from "../shared/use_resource";
import { DIRECTION_WORDS } from "../shared/words";

/** The line at the bottom: what is selected and what is known of it. */
export function StatusLine() {
  const store = useStore();
  const { module, siteId } = store.selection;
  const step = store.sampledStep.value;
  const selected = module.value !== null || siteId.value !== null;
  const traces = useResource("traces", selected && step !== null ? { step } : null);
  const row = selectedRow(traces.data, siteId.value, module.value);
  return (
    <footer class="ov-status-line" data-testid="status-line" aria-live="polite">
      <Message row={row} step={traces.data?.step ?? step} />
      <Connection />
    </footer>
  );
}

/** The site the selection means: the selected one, else the selected module's first output. */
export function selectedRow(
  traces: Answer<"traces"> | null,
  siteId: string | null,
  module: string | null,
): TraceRow | null {
  if (traces === null) return null;
  if (siteId !== null) return traces.rows.find((row) => row.site_id === siteId) ?? null;
  return module === null ? null : rowOfModule(traces.rows, module);
}

function Message({ row, step }: { row: TraceRow | null; step: number | null }) {
  const store = useStore();
  const { module, value } = store.selection;
  if (row === null) {
    const name = module.value === null ? value.value : formatModule(module.value);
    if (name === null) {
      // Of a lone ONNX file there are graphs only.
      const words =
        store.run.data.value?.engine === "file"
          ? "Select a node or a module."
          : "Select a step, a module or a tensor; every view follows.";
      return <span class="ov-muted">{words}</span>;
    }
    return <Parts parts={[<b key="name">{name}</b>, step === null ? "" : `step ${step}`]} />;
  }
  const cell = row.candidate.shape === null ? row.reference : row.candidate;
  const tensor = cell.shape === null ? "not captured" : `${cell.dtype} ${formatShape(cell.shape)}`;
  const error = row.max_abs_error === null ? "" : `max abs err ${formatNumber(row.max_abs_error)}`;
  return (
    <Parts
      parts={[
        <b key="name">{formatModule(row.module)}</b>,
        `${DIRECTION_WORDS[row.direction]} ${row.slot}`,
        step === null ? "" : `step ${step}`,
        tensor,
        error,
        <VerdictBadge key="verdict" verdict={row.verdict} origin={row.origin} />,
        floorsText(row),
      ]}
    />
  );
}

function Parts({ parts }: { parts: (preact.JSX.Element | string)[] }) {
  return (
    <span class="ov-status-parts">
      {parts
        .filter((part) => part !== "")
        .map((part, index) => (
          <span key={typeof part === "string" ? part : index}>{part}</span>
        ))}
    </span>
  );
}

/** What the connection or the last control had to say. */
export function Connection() {
  const store = useStore();
  const connection = store.connection.value;
  if (connection === "busy") {
    return <span class="ov-notice">The kernel is busy; it answers when the cell is done.</span>;
  }
  if (connection === "lost") {
    return <span class="ov-notice">The kernel is gone. What was shown stays.</span>;
  }
  return store.notice.value ? <span class="ov-notice">{store.notice.value}</span> : null;
}
