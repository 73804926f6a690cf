import type { GraphStructure } from "../../../graph/structure";
import { useStore } from "../../shared/context";
import { formatCount, formatModule, plural } from "../../shared/format";
import { useInspector } from "../inspector_context";
import type { StageRow } from "../module_tree";
import { GroupFindings } from "./group_findings";

interface GroupProps {
  structure: GraphStructure;
  groups: readonly number[];
  module: string | null;
  row: StageRow | null;
  active: boolean;
}

/** A group, or a module in both passes: what it consists of and what became of it. */
export function GroupDetails({ structure, groups, module, row, active }: GroupProps) {
  const { run } = useStore();
  const inspector = useInspector();
  const [first] = groups;
  const known = run.data.value?.modules.find(({ name }) => name === module);
  const nodes = [...new Set(groups.flatMap((group) => structure.nodesIn(group)))].filter(
    (node) => structure.nodeKind[node] === 0,
  );
  const group = first === undefined ? null : structure.group(first);
  const counts = row?.modules.find((each) => each.module === module) ?? null;
  const title = module === null ? (group?.label ?? "") : formatModule(module);
  return (
    <>
      <h4>
        {title} <span class="ov-muted">{known?.type_name ?? kindText(group)}</span>
      </h4>
      <p>{becameText(module, title, counts, nodes.length)}</p>
      {known && (
        <p class="ov-muted">
          {known.parameter_count > 0 && `${formatCount(known.parameter_count)} own parameters · `}
          <span class="ov-mono ov-breaks">{known.source}</span>
        </p>
      )}
      {module && <GroupFindings module={module} active={active} />}
      <h5>operators</h5>
      <ul class="ov-op-mix">
        {operatorMix(structure, nodes).map(([op, own]) => (
          <li key={op}>
            <button
              type="button"
              class="ov-link"
              onClick={() => inspector.pickNodes(structure, own, false)}
            >
              {op}
            </button>{" "}
            <b>{formatCount(own.length)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function kindText(group: { kind: string; count: number } | null): string {
  if (group === null) return "";
  return group.kind === "repeat" ? `${group.count} equal modules in a row` : group.kind;
}

/** What became of a module in this stage, as a sentence. */
export function becameText(
  module: string | null,
  title: string,
  counts: { forward: number; backward: number } | null,
  nodeCount: number,
): string {
  if (module === null || counts === null) return `${plural(nodeCount, "node")} of this stage.`;
  const { forward, backward } = counts;
  const all = plural(forward + backward, "node");
  return `${title} became ${all} of this stage (${forward} forward, ${backward} backward).`;
}

/** Operators of some nodes with the nodes, most frequent first. */
function operatorMix(structure: GraphStructure, nodes: readonly number[]): [string, number[]][] {
  const mix = new Map<string, number[]>();
  for (const node of nodes) {
    const op = structure.ops[structure.nodeOp[node] ?? -1]?.op_type ?? "?";
    const own = mix.get(op);
    if (own === undefined) mix.set(op, [node]);
    else own.push(node);
  }
  return [...mix].sort(([, a], [, b]) => b.length - a.length);
}
