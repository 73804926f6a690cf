import type { FindingRow } from "../../../protocol";
import { useStore } from "../../shared/context";
import { formatModule, formatStepRange } from "../../shared/format";
import { SeverityIcon } from "../../shared/symbols";
import { useResource } from "../../shared/use_resource";
import { useInspector } from "../inspector_context";

/**
 * What was found at a module or inside of it; choosing a finding goes to its module and step.
 *
 * Test id: `graph-finding`.
 */
export function GroupFindings({ module, active }: { module: string; active: boolean }) {
  const { selection } = useStore();
  const inspector = useInspector();
  const rows = findingsIn(useResource("findings", {}, active).data?.rows ?? [], module);
  if (rows.length === 0) return null;
  const go = (row: FindingRow) => {
    if (row.first_step !== null) selection.pickStep(row.first_step);
    inspector.pickModule(row.module);
  };
  return (
    <>
      <h5>findings</h5>
      <ul class="ov-inspect-findings">
        {rows.map((row) => (
          <li key={row.key}>
            <SeverityIcon severity={row.severity} size={12} />
            <span>
              <button
                type="button"
                class="ov-link"
                title={row.evidence}
                onClick={() => go(row)}
                data-testid="graph-finding"
              >
                {row.title}
              </button>{" "}
              <span class="ov-muted">
                {formatStepRange(row.first_step, row.last_step, row.step_count)}
                {row.module !== module && ` · ${formatModule(row.module)}`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Findings at a module or at one inside of it, in the order they have. */
export function findingsIn(rows: readonly FindingRow[], module: string): readonly FindingRow[] {
  return rows.filter((row) => row.module === module || (row.module ?? "").startsWith(`${module}.`));
}
