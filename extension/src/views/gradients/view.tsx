import { useMemo, useState } from "preact/hooks";
import { type Answer, toNumber } from "../../protocol";
import { isWithin } from "../../state";
import { useStore } from "../shared/context";
import { Segmented } from "../shared/controls";
import { DivergenceJumps, type JumpSite } from "../shared/divergence_jumps";
import { plural } from "../shared/format";
import { HistogramFigure } from "../shared/histogram_figure";
import { markOf } from "../shared/marks";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { NothingSampled } from "../shared/nothing_sampled";
import { useResource } from "../shared/use_resource";
import { VirtualList } from "../shared/virtual_list";
import { type GradientRow, logAxis } from "./axis";
import { GradientHeader, GradientRowView } from "./row";

const ROW_HEIGHT = 22;
const HEADER_HEIGHT = 30;
const ROW_WIDTH = 520;

type Kind = GradientRow["kind"];

/** How large the gradients are along the model's depth, on both sides. */
export function GradientsView({ active }: { active: boolean }) {
  const store = useStore();
  const step = store.sampledStep.value;
  const gradients = useResource("gradients", step === null ? null : { step }, active);
  if (step === null)
    return <NothingSampled what="Gradient norms of parameters and module outputs" />;
  if (gradients.error) return <Failure message={gradients.error} onRetry={gradients.retry} />;
  if (!gradients.data) return <Loading what={`the gradients of step ${step}`} />;
  return <GradientsBody gradients={gradients.data} />;
}

function GradientsBody({ gradients }: { gradients: Answer<"gradients"> }) {
  const { run, selection } = useStore();
  const [kind, setKind] = useState<Kind>("parameter");
  const rows = useMemo(() => gradients.rows.filter((row) => row.kind === kind), [gradients, kind]);
  const axis = useMemo(
    () => logAxis(gradients.rows.flatMap((row) => [row.reference_norm, row.candidate_norm])),
    [gradients],
  );
  const module = selection.module.value;
  const siteId = selection.siteId.value;
  const selected = selectedIndex(rows, siteId, module);
  return (
    <section class="ov-gradients" data-testid="gradients" data-step={gradients.step}>
      <GradientsToolbar gradients={gradients} kind={kind} rows={rows} onKind={setKind} />
      {rows.length === 0 ? (
        <Empty title="There are no gradients of this kind at this step.">
          <p>A gradient is recorded when backward runs in a sampled step.</p>
        </Empty>
      ) : (
        <VirtualList
          label={`Gradient norms of step ${gradients.step}`}
          role="grid"
          testid="gradients-table"
          count={rows.length}
          rowHeight={ROW_HEIGHT}
          headerHeight={HEADER_HEIGHT}
          header={
            <GradientHeader
              axis={axis}
              kind={kind === "parameter" ? "parameter" : "module output"}
            />
          }
          rowWidth={ROW_WIDTH}
          selected={selected}
          revealed={rows.findIndex((row) => module !== null && isWithin(row.module, module))}
          revealKey={`${siteId}|${module}|${kind}`}
          onSelect={(index) => {
            const row = rows[index];
            if (row) selection.pickSite({ ...row, value_name: "" });
          }}
          rowProps={(index) => rowProps(rows[index], module, gradients)}
          renderRow={(index) => {
            const row = rows[index];
            return row && <GradientRowView row={row} axis={axis} />;
          }}
        />
      )}
      {run.data.value?.has_histograms && (
        <GradientSpread step={gradients.step} row={rows[selected] ?? null} />
      )}
      <Notes notes={gradients.notes} />
    </section>
  );
}

/** How the selected gradient's elements are spread, in runs that keep that. */
function GradientSpread({ step, row }: { step: number; row: GradientRow | null }) {
  return (
    <div class="ov-details ov-details-errors" data-testid="gradient-details">
      <HistogramFigure step={step} siteId={row?.site_id ?? null} />
      <p class="ov-muted">
        {row === null
          ? "Select a row to see how the gradient's elements are spread."
          : `${row.label}: how its elements are spread, where this run keeps that.`}
      </p>
    </div>
  );
}

interface ToolbarProps {
  gradients: Answer<"gradients">;
  kind: Kind;
  rows: GradientRow[];
  onKind(kind: Kind): void;
}

function GradientsToolbar({ gradients, kind, rows, onKind }: ToolbarProps) {
  return (
    <div class="ov-toolbar">
      <Segmented
        label="Gradients of"
        value={kind}
        choices={[
          { value: "parameter", label: "parameters" },
          { value: "module_output", label: "module outputs" },
        ]}
        onChange={onKind}
        testid="gradient-kind"
      />
      <DivergenceJumps
        first={gradients.first_divergence}
        own={gradients.first_own_divergence}
        find={(siteId) => jumpSite(gradients, siteId)}
        onJump={({ direction }) =>
          onKind(direction === "parameter_grad" ? "parameter" : "module_output")
        }
      />
      <span class="ov-muted">
        L2 norm at step {gradients.step}, from the input side down to the output
      </span>
      <span class="ov-toolbar-end">{summaryText(rows)}</span>
    </div>
  );
}

function jumpSite(gradients: Answer<"gradients">, siteId: string): JumpSite | null {
  const row = gradients.rows.find((candidate) => candidate.site_id === siteId);
  if (row === undefined) return null;
  const direction = row.kind === "parameter" ? "parameter_grad" : "backward";
  const slot = siteId.slice(siteId.lastIndexOf("#") + 1);
  return { site_id: siteId, module: row.module, slot, direction, value_name: "" };
}

function selectedIndex(rows: GradientRow[], siteId: string | null, module: string | null): number {
  const exact = rows.findIndex((row) => row.site_id === siteId);
  if (exact >= 0 || module === null) return exact;
  return rows.findIndex((row) => row.module === module);
}

function rowProps(
  row: GradientRow | undefined,
  module: string | null,
  gradients: Answer<"gradients">,
) {
  if (row === undefined) return {};
  const lit = module !== null && module !== "" && isWithin(row.module, module);
  return {
    class: `ov-row-${row.verdict}${lit ? " ov-lit" : ""}${markOf(row.site_id, gradients)}`,
    "data-testid": "gradient-row",
    "data-site": row.site_id,
    "data-state": row.candidate_state,
  };
}

/** What stands out among these rows, in words. */
function summaryText(rows: GradientRow[]) {
  const count = (test: (row: GradientRow) => boolean) => rows.filter(test).length;
  const has = (state: string) => (row: GradientRow) =>
    row.reference_state === state || row.candidate_state === state;
  const parts = [
    [count(has("nan")), "with NaN", true],
    [count(has("inf")), "with ∞", true],
    [count((row) => row.verdict === "divergent"), "divergent", true],
    [count(has("none")), "None", false],
    [count((row) => isZero(row)), "all zero", false],
  ] as const;
  const shown = parts.filter(([number]) => number > 0);
  if (shown.length === 0)
    return <span class="ov-muted">all {plural(rows.length, "gradient")} finite</span>;
  return shown.map(([number, word, loud], index) => (
    <span key={word} class={loud ? "ov-look" : "ov-muted"}>
      {index > 0 && " · "}
      {number} {word}
    </span>
  ));
}

function isZero(row: GradientRow): boolean {
  return row.candidate_state === "zero" || toNumber(row.candidate_norm) === 0;
}
