import type { GraphStructure } from "../../../graph/structure";
import { formatBytes, formatCount } from "../../shared/format";
import { useResource } from "../../shared/use_resource";
import { STAGES } from "../../shared/words";
import { useInspector } from "../inspector_context";
import type { StageRow } from "../module_tree";
import { hasModules } from "../stages";

interface OverviewProps {
  structure: GraphStructure;
  row: StageRow | null;
  active: boolean;
}

/** A stage when nothing is selected: its size, and in words what changed since the one before. */
export function StageOverview({ structure, row, active }: OverviewProps) {
  const { mode, stage } = structure;
  // The picture comes first: reading how two stages hang together may take a while.
  const drawn = useInspector().right.picture.value !== null;
  const lineage = useResource("graph_lineage", { mode, stage }, active && drawn);
  const title = STAGES.find((each) => each.stage === stage)?.title ?? "The graph of an ONNX file";
  const answer = lineage.previous ? null : lineage.data;
  return (
    <>
      <h4>{stage}</h4>
      <p class="ov-muted">{title}.</p>
      {row !== null && (
        <p>
          {formatCount(row.forward_count)} forward
          {row.backward_count > 0 && `, ${formatCount(row.backward_count)} backward`} nodes ·{" "}
          {formatBytes(row.size_bytes)}
          {row.export_index > 0 && ` · export ${row.export_index + 1}`}
        </p>
      )}
      {row !== null && row.untraced_count > 0 && hasModules(row) && (
        <p class="ov-muted">{formatCount(row.untraced_count)} nodes of no known module.</p>
      )}
      {answer !== null && answer.sentences.length > 0 && (
        <>
          <h5>{answer.previous === null ? "in words" : `since ${answer.previous}`}</h5>
          <ul class="ov-inspect-list" data-testid="lineage-sentences">
            {answer.sentences.map((sentence) => (
              <Sentence
                key={`${sentence.kind} ${sentence.text}`}
                answer={answer}
                own={sentence}
                structure={structure}
              />
            ))}
          </ul>
        </>
      )}
      <p class="ov-muted">Select a node, a group or a module to see what is known of it.</p>
    </>
  );
}

type Lineage = NonNullable<ReturnType<typeof useResource<"graph_lineage">>["data"]>;

function Sentence(props: {
  answer: Lineage;
  own: Lineage["sentences"][number];
  structure: GraphStructure;
}) {
  const { answer, own, structure } = props;
  const inspector = useInspector();
  const go = () => {
    if (own.nodes.length > 0) inspector.pickNodes(structure, own.nodes, false);
    else if (answer.previous !== null) {
      inspector.goTo(answer.mode, answer.previous, own.previous_nodes);
    }
  };
  return (
    <li>
      <span class={`ov-lineage-kind ov-kind-${own.kind}`}>{own.kind}</span>{" "}
      <button type="button" class="ov-link ov-sentence" onClick={go} data-testid="lineage-sentence">
        {own.text}
      </button>
    </li>
  );
}
