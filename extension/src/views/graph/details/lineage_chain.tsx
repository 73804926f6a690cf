import type { GraphStructure } from "../../../graph/structure";
import type { StageName } from "../../../protocol";
import type { ChainLink } from "../../../state/graph";
import { useStore } from "../../shared/context";
import { plural } from "../../shared/format";
import { useResource } from "../../shared/use_resource";
import { useInspector } from "../inspector_context";

interface ChainProps {
  structure: GraphStructure;
  node: number;
  active: boolean;
}

/** A node through all stages: what it was, what became of it, and how that is known. */
export function LineageChain({ structure, node, active }: ChainProps) {
  const { lineage } = useInspector();
  const known = lineage.value;
  if (known === null || known.mode !== structure.mode || known.stages.length < 2) return null;
  return (
    <div data-testid="lineage">
      <h5>lineage</h5>
      <ol class="ov-lineage">
        {known.chain(structure.stage, node).map((link) => (
          <Link
            key={link.stage}
            structure={structure}
            link={link}
            current={link.stage === structure.stage}
            active={active}
          />
        ))}
      </ol>
    </div>
  );
}

interface LinkProps {
  structure: GraphStructure;
  link: ChainLink;
  current: boolean;
  active: boolean;
}

function Link({ structure, link, current, active }: LinkProps) {
  const inspector = useInspector();
  const { mode } = structure;
  const names = useOperators(link.stage, link.nodes, structure, active);
  const { kind, evidence, nodes } = link;
  return (
    <li>
      <span class="ov-muted">{link.stage}</span>
      {nodes.length === 0 ? (
        <span class="ov-muted" title={evidence}>
          {kind === "removed" ? "removed" : "not there"}
        </span>
      ) : (
        <button
          type="button"
          class={`ov-chip${current ? " ov-chip-current" : ""}`}
          aria-current={current ? "step" : undefined}
          title={evidence}
          onClick={() => inspector.goTo(mode, link.stage, nodes)}
          data-testid="lineage-link"
          data-stage={link.stage}
        >
          {names}
        </button>
      )}
      {nodes.length > 0 && kind !== null && <span class="ov-lineage-kind">{kind}</span>}
    </li>
  );
}

/** The operators of some nodes of a stage, as one text. */
function useOperators(
  stage: StageName,
  nodes: readonly number[],
  structure: GraphStructure,
  active: boolean,
): string {
  const { mode } = structure;
  const { cache } = useStore();
  const params = nodes.length === 0 ? null : { mode, stage };
  // Asked for whole: the pane will want it as well when somebody goes there.
  useResource("graph_structure", params, active);
  const answer = cache.resource("graph_structure", { mode, stage }).data.value;
  if (answer === null) return plural(nodes.length, "node");
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const op = answer.ops[answer.node_op.values[node] ?? -1]?.op_type ?? "?";
    counts.set(op, (counts.get(op) ?? 0) + 1);
  }
  return [...counts].map(([op, count]) => (count === 1 ? op : `${count} ${op}`)).join(" + ");
}
