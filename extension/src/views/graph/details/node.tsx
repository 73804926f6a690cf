import type { GraphStructure } from "../../../graph/structure";
import type { Answer } from "../../../protocol";
import { useStore } from "../../shared/context";
import { formatModule } from "../../shared/format";
import { Failure } from "../../shared/messages";
import { useResource } from "../../shared/use_resource";
import { useInspector } from "../inspector_context";
import { evidenceText } from "../nodes";
import { LineageChain } from "./lineage_chain";
import { Schema } from "./schema";
import { ValueCard } from "./value_card";

type NodeDetailsRow = Answer<"graph_details">["nodes"][number];

interface NodeProps {
  structure: GraphStructure;
  node: number;
  active: boolean;
}

/** One node: operator, documentation, attributes, tensors with what was recorded, lineage. */
export function NodeDetails({ structure, node, active }: NodeProps) {
  const { mode, stage } = structure;
  const op = structure.ops[structure.nodeOp[node] ?? -1] ?? { op_type: "", domain: "" };
  const { details, error, retry } = useNodeRow(structure, node, active);
  const name = structure.nodeName(node);
  return (
    <>
      <h4>
        {op.op_type || name} <span class="ov-muted">{op.domain || "ai.onnx"}</span>
      </h4>
      {name !== "" && <p class="ov-mono ov-breaks">{name}</p>}
      {op.op_type !== "" && <Schema mode={mode} stage={stage} op={op} active={active} />}
      {error !== null && <Failure message={error} onRetry={retry} />}
      {details && <Module details={details} />}
      <LineageChain structure={structure} node={node} active={active} />
      {details && <Known structure={structure} details={details} active={active} />}
    </>
  );
}

function Known(props: { structure: GraphStructure; details: NodeDetailsRow; active: boolean }) {
  const { structure, details, active } = props;
  const store = useStore();
  const step = store.sampledStep.value;
  const traces = useResource("traces", step === null ? null : { step }, active).data;
  return (
    <>
      {details.attributes.length > 0 && (
        <dl class="ov-inspect-pairs" aria-label="Attributes">
          {details.attributes.map((row) => (
            <div key={row.name}>
              <dt title={row.type_name}>{row.name}</dt>
              <dd class="ov-mono ov-breaks">{row.text}</dd>
            </div>
          ))}
        </dl>
      )}
      {(["inputs", "outputs"] as const).map((side) => (
        <div key={side}>
          <h5>{side}</h5>
          {details[side].length === 0 && <p class="ov-muted">none</p>}
          {details[side].map((value, index) => (
            <ValueCard
              key={`${index} ${value.name}`}
              structure={structure}
              value={value}
              trace={traces?.rows.find((row) => row.value_name === value.name) ?? null}
              step={traces === null ? null : step}
            />
          ))}
        </div>
      ))}
    </>
  );
}

function Module({ details }: { details: NodeDetailsRow }) {
  const inspector = useInspector();
  const { run } = useStore();
  const { module } = details;
  const source = run.data.value?.modules.find((row) => row.name === module)?.source ?? "";
  return (
    <p>
      <i>module</i>{" "}
      {module === null ? (
        "none"
      ) : (
        <button type="button" class="ov-link" onClick={() => inspector.pickModule(module)}>
          {formatModule(module)}
        </button>
      )}{" "}
      <span class="ov-muted">({evidenceText(details)})</span>
      {source !== "" && <span class="ov-mono ov-breaks ov-inspect-source">{source}</span>}
    </p>
  );
}

/** The row of a node; chunks are as large as the first one says. */
function useNodeRow(structure: GraphStructure, node: number, active: boolean) {
  const { mode, stage } = structure;
  const first = useResource("graph_details", { mode, stage, chunk: 0 }, active);
  const size = first.data?.chunk_size ?? 0;
  const chunk = size === 0 ? 0 : Math.floor(node / size);
  const answer = useResource("graph_details", { mode, stage, chunk }, active);
  const details = answer.previous ? null : answer.data?.nodes.find((row) => row.node === node);
  return { details: details ?? null, error: answer.error, retry: answer.retry };
}
