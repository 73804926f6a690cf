import { useState } from "preact/hooks";
import type { ModeName, StageName } from "../../../protocol";
import { firstSentence, Markdown } from "../../shared/markdown";
import { useResource } from "../../shared/use_resource";

interface SchemaProps {
  mode: ModeName;
  stage: StageName;
  op: { op_type: string; domain: string };
  active: boolean;
}

/** What an operator does, by its own documentation: one sentence, all of it when asked. */
export function Schema({ mode, stage, op, active }: SchemaProps) {
  const answer = useResource("graph_schemas", { mode, stage }, active);
  const [open, setOpen] = useState(false);
  const schema = answer.data?.schemas.find(
    (row) => row.op_type === op.op_type && row.domain === op.domain,
  );
  if (schema === undefined) return null;
  if (schema.doc === "") return schema.note ? <p class="ov-muted">{schema.note}</p> : null;
  return (
    <div class="ov-schema" data-testid="schema">
      {open ? <Markdown text={schema.doc} /> : <p>{firstSentence(schema.doc)}</p>}
      {open && (
        <dl class="ov-inspect-pairs">
          {[...schema.inputs, ...schema.outputs, ...schema.attributes].map((row, index) => (
            <div key={`${index} ${row.name}`}>
              <dt title={row.type_name}>{row.name}</dt>
              <dd>{firstSentence(row.description)}</dd>
            </div>
          ))}
        </dl>
      )}
      <button
        type="button"
        class="ov-link"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        data-testid="schema-more"
      >
        {open ? "less" : "more"}
      </button>{" "}
      <span class="ov-muted">since version {schema.since_version}</span>
    </div>
  );
}
