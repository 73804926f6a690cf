import type { GraphStructure } from "../../../graph/structure";
import { isGroup, itemGroup } from "../../../graph/types";
import type { TraceRow } from "../../../protocol";
import { useStore } from "../../shared/context";
import { formatModule, formatNumber, formatShape, plural } from "../../shared/format";
import { VERDICTS } from "../../shared/symbols";
import { useResource } from "../../shared/use_resource";
import { findingsIn } from "./group_findings";
import { nodeOf, useSubject } from "./panel";

interface PeekProps {
  open: boolean;
  onOpen(open: boolean): void;
  active: boolean;
}

/**
 * One line on what is selected, where the details have no place of their own; it opens them.
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
      <span class="ov-sr" role="status" data-testid="graph-peek-spoken">
        {spoken}
      </span>
    </div>
  );
}

/** The name of what is selected, and what matters most of it. */
function usePeek(active: boolean): { name: string | null; facts: string[] } {
  const store = useStore();
  const { structure, subject, items } = useSubject();
  const node = nodeOf(items);
  const step = store.sampledStep.value;
  const asked = node !== null && step !== null ? { step } : null;
  const traces = useResource("traces", asked, active).data;
  const findings = useResource("findings", {}, active).data?.rows ?? [];
  const [first] = items;
  if (structure === null || subject === null) return { name: null, facts: [] };
  if (first === undefined) return { name: "Not in this stage", facts: [] };
  if (node !== null) {
    const outputs = [...structure.outputsOf(node)].map((value) => structure.valueName(value));
    const row = traces?.rows.find(({ value_name }) => outputs.includes(value_name)) ?? null;
    const { name, place } = nodeNames(structure, node);
    return { name, facts: [place, recordedText(row, traces?.step ?? null)].filter(Boolean) };
  }
  const groups = items.filter(isGroup).map(itemGroup);
  if (groups.length === 0) return { name: plural(items.length, "node"), facts: [] };
  const [group = -1] = groups;
  const { label, module } = structure.group(group);
  const count = new Set(groups.flatMap((each) => structure.nodesIn(each))).size;
  const found = module === null ? [] : findingsIn(findings, module);
  const facts = [plural(count, "node")];
  if (found.length > 0) facts.unshift(plural(found.length, "finding"));
  return { name: module === null ? label : formatModule(module), facts };
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
  if (step === null) return "";
  if (row === null) return `not recorded at step ${step}`;
  const { word } = VERDICTS[row.verdict];
  if (row.verdict === "divergent" || row.verdict === "rounding") {
    return `${word} at step ${step}, relative error ${formatNumber(row.max_rel_error)}`;
  }
  const cell = row.candidate.shape === null ? row.reference : row.candidate;
  const shape = cell.shape === null ? "" : `${cell.dtype} ${formatShape(cell.shape)}`;
  return row.verdict === "equal" ? `${word} at step ${step}, ${shape}` : shape;
}
