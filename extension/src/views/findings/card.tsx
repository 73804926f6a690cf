import { useState } from "preact/hooks";
import type { FindingRow } from "../../protocol";
import { useStore } from "../shared/context";
import { formatModule, formatStepRange } from "../shared/format";
import { SeverityIcon } from "../shared/symbols";
import { VIEW_LABELS } from "../shared/words";

const COPIED_MS = 1_500;

/** One finding: the title leads to the place, below it the evidence, the reason and the remedy. */
export function FindingCard({ finding }: { finding: FindingRow }) {
  const steps = formatStepRange(finding.first_step, finding.last_step, finding.step_count);
  return (
    <article
      class={`ov-finding ov-finding-${finding.severity}`}
      data-testid="finding-row"
      data-key={finding.key}
      data-detector={finding.detector}
      data-severity={finding.severity}
    >
      <span class="ov-finding-icon">
        <SeverityIcon severity={finding.severity} size={14} />
      </span>
      <header>
        <Title finding={finding} />
        <p class="ov-finding-place">
          <span>{finding.severity}</span>
          <span>{steps}</span>
          {finding.module !== null && <code>{formatModule(finding.module)}</code>}
          <ShowInGraph finding={finding} />
        </p>
      </header>
      <dl>
        <Part name="Evidence" text={finding.evidence} />
        <Part name="Why" text={finding.explanation} />
        {finding.remedy !== "" && (
          <div class="ov-finding-remedy">
            <dt>What to do</dt>
            <dd>
              {finding.remedy} <CopyButton text={finding.remedy} />
            </dd>
          </div>
        )}
      </dl>
    </article>
  );
}

/** Leads to where the finding can be seen, unless that is here. */
function Title({ finding }: { finding: FindingRow }) {
  const { selection } = useStore();
  if (finding.view === "findings") return <p class="ov-finding-title">{finding.title}</p>;
  return (
    <button
      type="button"
      class="ov-finding-title ov-finding-leads"
      title={`Show this in ${VIEW_LABELS[finding.view]}`}
      onClick={() => selection.goToFinding(finding)}
      data-testid="finding-go"
    >
      {finding.title}
      <span class="ov-finding-go">{VIEW_LABELS[finding.view]} →</span>
    </button>
  );
}

/** Leads to the finding's very tensor in the graph, where the title leads to another view. */
function ShowInGraph({ finding }: { finding: FindingRow }) {
  const { selection } = useStore();
  const somewhere = finding.site_id !== "" || finding.module !== null;
  if (finding.view === "graph" || !somewhere) return null;
  return (
    <button
      type="button"
      class="ov-link"
      title={finding.site_id === "" ? "Show this module in the graph" : finding.site_id}
      onClick={() => selection.goToFinding(finding, "graph")}
      data-testid="finding-graph"
    >
      show in the graph
    </button>
  );
}

function Part({ name, text }: { name: string; text: string }) {
  if (text === "") return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}

function CopyButton({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), COPIED_MS);
    });
  };
  return (
    <button type="button" class="ov-link" onClick={copy} data-testid="copy-remedy">
      {copied ? "copied" : "copy"}
    </button>
  );
}
