import type { GraphStructure } from "../../../graph/structure";
import { type ItemId, isGroup, itemGroup } from "../../../graph/types";
import type { Subject } from "../../../state/graph";
import { formatModule, plural } from "../../shared/format";
import { useInspector } from "../inspector_context";
import type { StageRow } from "../module_tree";
import { GroupDetails } from "./group";
import { LineageChain } from "./lineage_chain";
import { NodeDetails } from "./node";
import { StageOverview } from "./stage_overview";

interface DetailsProps {
  /** The stage that the details are of; null while it is not known. */
  row: StageRow | null;
  active: boolean;
}

/**
 * What is known of the selection, else of the stage.
 *
 * Test ids: `node-details`, with `data-node` where a node is selected.
 */
export function Details({ row, active }: DetailsProps) {
  const { structure, subject, items } = useSubject();
  const node = nodeOf(items);
  return (
    <section
      class="ov-inspect"
      aria-label="Details"
      aria-live="polite"
      data-testid="node-details"
      data-node={node ?? undefined}
    >
      {structure === null ? null : subject === null ? (
        <StageOverview structure={structure} row={row} active={active} />
      ) : (
        <Selected structure={structure} subject={subject} items={items} row={row} active={active} />
      )}
    </section>
  );
}

/** What is selected, and in which stage. */
export function useSubject(): {
  structure: GraphStructure | null;
  subject: Subject | null;
  items: readonly ItemId[];
} {
  const inspector = useInspector();
  const subject = inspector.subject.value;
  const { left, right } = inspector;
  // What was selected in a pane is told of that pane's stage.
  const leftStructure = inspector.leftContent.value.kind === "stage" ? left.structure.value : null;
  const inLeft =
    subject !== null && isOf(subject, leftStructure) && !isOf(subject, right.structure.value);
  const pane = inLeft ? left : right;
  return { structure: pane.structure.value, subject, items: pane.selected.value };
}

function Selected(props: {
  structure: GraphStructure;
  subject: Subject;
  items: readonly ItemId[];
  row: StageRow | null;
  active: boolean;
}) {
  const { structure, subject, items, row, active } = props;
  const [first] = items;
  const module = subject.kind === "nodes" ? null : subject.module;
  if (first === undefined) return <Nothing subject={subject} stage={structure.stage} />;
  if (!isGroup(first)) {
    if (items.length > 1) return <Several structure={structure} items={items} active={active} />;
    return <NodeDetails structure={structure} node={first} active={active} />;
  }
  const groups = items.filter(isGroup).map(itemGroup);
  return <GroupDetails {...{ structure, groups, module, row, active }} />;
}

function Nothing({ subject, stage }: { subject: Subject; stage: string }) {
  const name =
    subject.kind === "value"
      ? subject.value
      : subject.kind === "nodes"
        ? `what is selected in ${subject.stage}`
        : formatModule(subject.module);
  return (
    <p class="ov-inspect-note">
      No node of {stage} could be traced to {name}; an earlier stage may show it.
    </p>
  );
}

/** Several nodes: what each is, to choose one. */
function Several(props: { structure: GraphStructure; items: readonly ItemId[]; active: boolean }) {
  const { structure, items, active } = props;
  const inspector = useInspector();
  return (
    <>
      <h4>{plural(items.length, "node")}</h4>
      <LineageChain structure={structure} node={items[0] ?? -1} active={active} />
      <ul class="ov-inspect-list">
        {items.slice(0, 200).map((node) => (
          <li key={node}>
            <button
              type="button"
              class="ov-link"
              onClick={() => inspector.pickNodes(structure, [node])}
            >
              {structure.ops[structure.nodeOp[node] ?? -1]?.op_type}
            </button>{" "}
            <code>{structure.nodeName(node)}</code>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The one node that is selected; null where it is a group, several nodes or nothing. */
export function nodeOf(items: readonly ItemId[]): number | null {
  const [first] = items;
  return items.length === 1 && first !== undefined && !isGroup(first) ? first : null;
}

function isOf(subject: Subject, structure: GraphStructure | null): boolean {
  if (structure === null || !("stage" in subject)) return false;
  return subject.stage === structure.stage && subject.mode === structure.mode;
}
