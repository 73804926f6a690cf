import type { SideName, StatsCell, TraceRow } from "../../protocol";
import { formatExact, formatModule, formatNumber } from "../shared/format";
import { SIDE_LABELS, VERDICTS, VerdictBadge } from "../shared/symbols";
import {
  dtypeText,
  hasNonfinite,
  nonfiniteText,
  STAT_COLUMNS,
  shapeText,
  statText,
  statusText,
  TEMPLATE,
} from "./columns";
import { SECTIONS, type TraceItem } from "./rows";

/** Two lines: whose columns, and what they are. */
export function TraceHeader() {
  return (
    <div class="ov-trace-head" role="row" style={{ gridTemplateColumns: TEMPLATE }}>
      <span class="ov-sticky ov-span-2" role="columnheader">
        site
      </span>
      <span class="ov-span-2" role="columnheader">
        shape
      </span>
      <span class="ov-span-2" role="columnheader">
        dtype
      </span>
      <SideHead side="reference" title="eager PyTorch" />
      <SideHead side="candidate" title="ONNX Runtime" />
      <span class="ov-group ov-group-error">difference</span>
      <span class="ov-span-2 ov-verdict-head" role="columnheader">
        verdict
      </span>
      <StatHeads side="reference" />
      <StatHeads side="candidate" />
      <span class="ov-num ov-edge" role="columnheader" title="Largest |ORT − eager|">
        max abs
      </span>
      <span
        class="ov-num"
        role="columnheader"
        title="Largest |ORT − eager| divided by the largest |eager|"
      >
        max rel
      </span>
    </div>
  );
}

function SideHead({ side, title }: { side: SideName; title: string }) {
  return <span class={`ov-group ov-group-${side}`}>{title}</span>;
}

function StatHeads({ side }: { side: SideName }) {
  return (
    <>
      {STAT_COLUMNS.map(({ key, label, title }, index) => (
        <span
          key={key}
          class={`ov-num${index === 0 ? ` ov-edge ov-edge-${side}` : ""}`}
          role="columnheader"
          title={title}
          aria-label={`${SIDE_LABELS[side]} ${label}`}
        >
          {label}
        </span>
      ))}
      <span class="ov-num" role="columnheader" title="Elements that are NaN or infinite">
        NaN/∞
      </span>
    </>
  );
}

export function SectionRow({ item }: { item: TraceItem & { kind: "section" } }) {
  const section = SECTIONS.find(({ direction }) => direction === item.direction);
  const { divergent, not_comparable } = item.verdicts;
  return (
    <div class="ov-sticky ov-section" role="gridcell">
      <strong>{section?.title}</strong> <span class="ov-muted">{section?.order}</span>
      <span class="ov-section-counts">
        {item.count}
        {divergent > 0 && <span class="ov-look"> · {divergent} divergent</span>}
        {not_comparable > 0 && <span class="ov-muted"> · {not_comparable} not comparable</span>}
      </span>
    </div>
  );
}

export function SiteRow({ row }: { row: TraceRow }) {
  return (
    <div class="ov-trace-row" style={{ gridTemplateColumns: TEMPLATE }}>
      <SiteCell row={row} />
      <span role="gridcell" class="ov-mono" title={shapeText(row)}>
        {shapeText(row)}
      </span>
      <span role="gridcell" class="ov-muted" title={dtypeText(row)}>
        {dtypeText(row)}
      </span>
      <SideCells cell={row.reference} side="reference" />
      <SideCells cell={row.candidate} side="candidate" />
      <span role="gridcell" class="ov-num ov-edge" title={formatExact(row.max_abs_error)}>
        {formatNumber(row.max_abs_error)}
      </span>
      <span role="gridcell" class="ov-num" title={formatExact(row.max_rel_error)}>
        {formatNumber(row.max_rel_error)}
      </span>
      <span role="gridcell" title={row.reason}>
        <VerdictBadge verdict={row.verdict} />
      </span>
    </div>
  );
}

function SiteCell({ row }: { row: TraceRow }) {
  const { sign, word } = VERDICTS[row.verdict];
  const name = formatModule(row.module);
  const call = row.call > 0 ? ` call ${row.call + 1}` : "";
  return (
    <span
      role="gridcell"
      class="ov-sticky ov-site"
      title={`${name} ${row.slot} (${row.module_type})`}
    >
      <b class={`ov-sign ov-verdict-${row.verdict}`} title={word}>
        {sign}
      </b>
      <span class="ov-site-name">{name}</span>
      <span class="ov-muted ov-site-slot">
        {row.slot}
        {call}
      </span>
      <span class="ov-muted ov-site-type">{row.module_type}</span>
    </span>
  );
}

function SideCells({ cell, side }: { cell: StatsCell; side: SideName }) {
  const missing = statusText(cell);
  if (missing !== "") {
    return (
      <span
        role="gridcell"
        class={`ov-missing ov-edge ov-edge-${side}`}
        style={{ gridColumn: `span ${STAT_COLUMNS.length + 1}` }}
        title={cell.reason}
      >
        {missing}
      </span>
    );
  }
  return (
    <>
      {STAT_COLUMNS.map(({ key }, index) => (
        <span
          key={key}
          role="gridcell"
          class={`ov-num${index === 0 ? ` ov-edge ov-edge-${side}` : ""}`}
          title={formatExact(cell[key])}
        >
          {statText(cell, key)}
        </span>
      ))}
      <span role="gridcell" class={`ov-num ${hasNonfinite(cell) ? "ov-look" : "ov-zero"}`}>
        {nonfiniteText(cell)}
      </span>
    </>
  );
}
