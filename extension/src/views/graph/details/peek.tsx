import type { GraphStructure } from "../../../graph/structure";
import { isGroup, itemGroup } from "../../../graph/types";
import type { Answer, FindingRow, TraceRow } from "../../../protocol";
import { rowOfModule } from "../../../state";
import { useStore } from "../../shared/context";
import { formatModule, formatNumber, formatShape, plural } from "../../shared/format";
import { VERDICTS } from "../../shared/symbols";
import { useResource } from "../../shared/use_resource";
import { Connection } from "../../shell/status_line";
import { findingsIn } from "./group_findings";
import { nodeOf, useSubject } from "./panel";

interface PeekProps {
  open: boolean;
  onOpen(open: boolean): void;
  active: boolean;
}

/**
 * One line on what is selected, where the details have no place of their own; it opens them. It
 * stands in for the status line, whose place it takes.
 *
 * Test ids: `graph-peek`, `graph-peek-spoken`.
 */
export function Peek({ open, onOpen, active }: PeekProps) {
  const { name, facts } = usePeek(active);
  const spoken = name === null || open ? "" : `${[name, ...facts].join(", ")}. Details below.`;
  return (
    <div class="ov-peek">
      <button
        type="button"
        class="ov-peek-open"
        aria-expanded={open}
        onClick={() => onOpen(!open)}
        data-testid="graph-peek"
      >
        <span class="ov-peek-text">
          {name === null ? "Nothing is selected." : <b>{name}</b>}
          {facts.map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </span>
        <span class="ov-peek-do">
          {open ? "Close details" : name === null ? "About this stage" : "Details"}
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d={open ? "M0 3h10L5 8Z" : "M0 7h10L5 2Z"} />
          </svg>
        </span>
      </button>
      <Connection />
      <span class="ov-sr" role="status" data-testid="graph-peek-spoken">
        {spoken}
      </span>
    </div>
  );
}

interface Said {
  /** Null where nothing is selected. */
  name: string | null;
  facts: string[];
}

/** The name of what is selected, and what matters most of it. */
function usePeek(active: boolean): Said {
  const store = useStore();
  const { structure, subject, items } = useSubject();
  const step = store.sampledStep.value;
  const asked = items.length > 0 && step !== null ? { step } : null;
  const traces = useResource("traces", asked, active).data;
  const findings = useResource("findings", {}, active).data?.rows ?? [];
  const node = nodeOf(items);
  const groups = items.filter(isGroup).map(itemGroup);
  if (structure === null || subject === null) return { name: null, facts: [] };
  if (items.length === 0) return { name: "Not in this stage", facts: [] };
  if (node !== null) return nodeSaid(structure, node, traces);
  if (groups.length === 0) return { name: plural(items.length, "node"), facts: [] };
  return groupsSaid(structure, groups, traces, findings);
}

function nodeSaid(structure: GraphStructure, node: number, traces: Answer<"traces"> | null): Said {
  const outputs = [...structure.outputsOf(node)].map((value) => structure.valueName(value));
  const row = traces?.rows.find(({ value_name }) => outputs.includes(value_name)) ?? null;
  const { name, place } = nodeNames(structure, node);
  const recorded =
    traces !== null && row === null
      ? `not recorded at step ${traces.step}`
      : recordedText(row, traces?.step ?? null);
  return { name, facts: [place, recorded].filter(Boolean) };
}

function groupsSaid(
  structure: GraphStructure,
  groups: readonly number[],
  traces: Answer<"traces"> | null,
  findings: readonly FindingRow[],
): Said {
  const { label, module } = structure.group(groups[0] ?? -1);
  const nodes = plural(new Set(groups.flatMap((each) => structure.nodesIn(each))).size, "node");
  if (module === null) return { name: label, facts: [nodes] };
  const found = findingsIn(findings, module).length;
  const row = traces === null ? null : rowOfModule(traces.rows, module);
  const recorded = recordedText(row, traces?.step ?? null);
  const facts = [found > 0 ? plural(found, "finding") : "", recorded, nodes].filter(Boolean);
  return { name: formatModule(module), facts };
}

/** An operator, and its module; a node that has none is known by its own name. */
function nodeNames(structure: GraphStructure, node: number): { name: string; place: string } {
  const op = structure.ops[structure.nodeOp[node] ?? -1]?.op_type ?? "";
  const own = structure.nodeName(node);
  const module = structure
    .nodePath(node)
    .map((group) => structure.group(group).module)
    .findLast((each) => each !== null && each !== "");
  return { name: op || own, place: module ?? (op === "" ? "" : own) };
}

/** What a step recorded of the node's tensor: how far off it is, else what it looks like. */
function recordedText(row: TraceRow | null, step: number | null): string {
  if (row === null || step === null) return "";
  const { word } = VERDICTS[row.verdict];
  if (row.verdict === "divergent" || row.verdict === "rounding") {
    return `${word} at step ${step}, relative error ${formatNumber(row.max_rel_error)}`;
  }
  const cell = row.candidate.shape === null ? row.reference : row.candidate;
  const shape = cell.shape === null ? "" : `${cell.dtype} ${formatShape(cell.shape)}`;
  return row.verdict === "equal" ? `${word} at step ${step}, ${shape}` : shape;
}
