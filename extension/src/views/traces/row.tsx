import type { SideName, StatsCell, TraceRow } from "../../protocol";
import { errorLines } from "../shared/errors";
import { formatExact, formatModule, formatNumber, plural } from "../shared/format";
import { SIDE_LABELS, VerdictBadge, VerdictSign } from "../shared/symbols";
import {
  dtypeText,
  hasNonfinite,
  nonfiniteText,
  STAT_COLUMNS,
  type StatColumn,
  shapeText,
  statText,
  statusText,
} from "./columns";
import { isInner } from "./inner";
import type { TraceLayout } from "./layout";
import { SECTIONS, type TraceItem } from "./rows";

/** Two lines: whose columns, and what they are. */
export function TraceHeader({ layout }: { layout: TraceLayout }) {
  return (
    <div class="ov-trace-head" role="row" style={{ gridTemplateColumns: layout.template }}>
      <span class="ov-sticky ov-span-2" role="columnheader">
        site
      </span>
      <span
        class="ov-group ov-group-error"
        style={{ gridColumn: `span ${layout.relative ? 2 : 1}` }}
      >
        {layout.relative ? "difference" : "diff."}
      </span>
      {layout.verdict && <HeadOf name="verdict" />}
      {layout.shape && <HeadOf name="shape" />}
      {layout.dtype && <HeadOf name="dtype" />}
      <SideHead side="reference" title="eager PyTorch" layout={layout} />
      <SideHead side="candidate" title="ONNX Runtime" layout={layout} />
      <span class="ov-num ov-edge" role="columnheader" title="Largest |ORT − eager|">
        max abs
      </span>
      {layout.relative && (
        <span
          class="ov-num"
          role="columnheader"
          title="Largest |ORT − eager| divided by the largest |eager|"
        >
          max rel
        </span>
      )}
      <StatHeads side="reference" layout={layout} />
      <StatHeads side="candidate" layout={layout} />
    </div>
  );
}

function HeadOf({ name }: { name: string }) {
  return (
    <span class="ov-span-2" role="columnheader">
      {name}
    </span>
  );
}

interface SideHeadProps {
  side: SideName;
  layout: TraceLayout;
}

function SideHead({ side, title, layout }: SideHeadProps & { title: string }) {
  const gridColumn = `span ${layout.stats.length + 1}`;
  return (
    <span class={`ov-group ov-group-${side}`} style={{ gridColumn }}>
      {title}
    </span>
  );
}

function StatHeads({ side, layout }: SideHeadProps) {
  return (
    <>
      {layout.stats.map(({ key, label, title }, index) => (
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
        {item.innerCount > 0 && <span class="ov-muted"> · {item.innerCount} inside modules</span>}
        {divergent > 0 && <span class="ov-look"> · {divergent} divergent</span>}
        {not_comparable > 0 && <span class="ov-muted"> · {not_comparable} not comparable</span>}
      </span>
    </div>
  );
}

/** Unfolds what only ORT's graph has inside of a module. */
export function FoldRow(props: {
  item: TraceItem & { kind: "fold" };
  onToggle(key: string): void;
}) {
  const { group, open } = props.item;
  const call = group.call > 0 ? ` call ${group.call + 1}` : "";
  return (
    <div class="ov-sticky ov-fold" role="gridcell">
      <button
        type="button"
        aria-expanded={open}
        onClick={(event) => {
          event.stopPropagation();
          props.onToggle(group.key);
        }}
        data-testid="trace-fold"
      >
        <span aria-hidden="true">{open ? "▾" : "▸"}</span> {plural(group.rows.length, "value")}{" "}
        inside {formatModule(group.module)}
        {call}
      </button>
    </div>
  );
}

export function SiteRow({ row, layout }: { row: TraceRow; layout: TraceLayout }) {
  return (
    <div class="ov-trace-row" style={{ gridTemplateColumns: layout.template }}>
      <SiteCell row={row} types={layout.types} />
      <span role="gridcell" class="ov-num ov-edge" title={errorLines(row)}>
        {formatNumber(row.max_abs_error)}
      </span>
      {layout.relative && (
        <span role="gridcell" class="ov-num" title={errorLines(row)}>
          {formatNumber(row.max_rel_error)}
        </span>
      )}
      {layout.verdict && (
        <span role="gridcell" title={row.reason}>
          <VerdictBadge verdict={row.verdict} origin={row.origin} />
        </span>
      )}
      {layout.shape && (
        <span role="gridcell" class="ov-mono" title={shapeText(row)}>
          {shapeText(row)}
        </span>
      )}
      {layout.dtype && (
        <span role="gridcell" class="ov-muted" title={dtypeText(row)}>
          {dtypeText(row)}
        </span>
      )}
      <SideCells
        cell={row.reference}
        side="reference"
        stats={layout.stats}
        absent={isInner(row) ? "only in ORT's graph" : ""}
      />
      <SideCells cell={row.candidate} side="candidate" stats={layout.stats} />
    </div>
  );
}

function SiteCell({ row, types }: { row: TraceRow; types: boolean }) {
  const name = formatModule(row.module);
  const call = row.call > 0 ? ` call ${row.call + 1}` : "";
  const inner = isInner(row);
  return (
    <span
      role="gridcell"
      class="ov-sticky ov-site"
      title={`${name} ${row.slot} (${row.module_type})`}
    >
      <VerdictSign verdict={row.verdict} origin={row.origin} />
      <span class={`ov-site-name${inner ? " ov-site-inner" : ""}`}>
        <bdi>{inner ? row.slot : name}</bdi>
      </span>
      {!inner && (
        <span class="ov-muted ov-site-slot">
          {row.slot}
          {call}
        </span>
      )}
      {types && !inner && <span class="ov-muted ov-site-type">{row.module_type}</span>}
    </span>
  );
}

interface SideCellsProps {
  cell: StatsCell;
  side: SideName;
  stats: TraceLayout["stats"];
  /** Said instead of the status where a side has no such tensor by nature. */
  absent?: string;
}

function SideCells({ cell, side, stats, absent = "" }: SideCellsProps) {
  const missing = statusText(cell) && (absent || statusText(cell));
  if (missing !== "") {
    return (
      <span
        role="gridcell"
        class={`ov-missing ov-edge ov-edge-${side}`}
        style={{ gridColumn: `span ${stats.length + 1}` }}
        title={cell.reason || missing}
      >
        {missing}
      </span>
    );
  }
  return (
    <>
      {stats.map(({ key }, index) => (
        <span
          key={key}
          role="gridcell"
          class={`ov-num${index === 0 ? ` ov-edge ov-edge-${side}` : ""}`}
          title={cellTitle(cell, key, stats)}
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

/** All digits, and what there is no room for a column of. */
function cellTitle(cell: StatsCell, key: StatColumn["key"], stats: TraceLayout["stats"]): string {
  const left = STAT_COLUMNS.filter((column) => !stats.includes(column));
  const others = left.map((column) => `${column.label} ${formatExact(cell[column.key])}`);
  return [formatExact(cell[key]), ...others].join("\n");
}
