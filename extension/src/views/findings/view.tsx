import type { Answer, FindingRow, ProblemRow } from "../../protocol";
import { useStore } from "../shared/context";
import { plural } from "../shared/format";
import { Failure, Loading } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { FindingCard } from "./card";

/** What is looked for; said when nothing was found, so that silence has a meaning. */
const CHECKS = [
  "training that fell back to eager PyTorch",
  "elements masked out of a loss, and a loss of exactly 0 because all were",
  "gradients, weights, inputs or predictions that are NaN or infinite, and where they began",
  "the first place where ORT differs from eager, in each direction",
  "parameters that get a gradient on one side only",
  "BatchNorm statistics and other buffers that ORT does not update",
  "hooks that will not run",
  "a model that is exported again, and steps that could not be sampled",
] as const;

/** What is wrong, where, why, and what to do; most severe first. */
export function FindingsView({ active }: { active: boolean }) {
  const { data, error, retry } = useResource("findings", {}, active);
  if (error && !data) return <Failure message={error} onRetry={retry} />;
  if (!data) return <Loading what="the findings" />;
  return (
    <section class="ov-findings" data-testid="findings">
      {data.rows.length === 0 ? <Healthy /> : <FindingList rows={data.rows} />}
      <Problems problems={data.problems} />
    </section>
  );
}

function FindingList({ rows }: { rows: FindingRow[] }) {
  return (
    <ol class="ov-finding-list" aria-label="Findings, most severe first">
      {rows.map((row) => (
        <li key={row.key}>
          <FindingCard finding={row} />
        </li>
      ))}
    </ol>
  );
}

function Healthy() {
  const store = useStore();
  const summary: Answer<"summary"> | null = store.summary.data.value;
  const steps = summary?.step_count ?? 0;
  const sampled = summary?.sampled_step_count ?? 0;
  if (steps === 0) {
    return (
      <div class="ov-message" data-testid="no-findings">
        <p class="ov-message-title">Nothing has been checked yet.</p>
        <p class="ov-message-body">
          Findings appear here while the wrapped model trains, each with where, why and what to do.
        </p>
      </div>
    );
  }
  return (
    <div class="ov-message ov-healthy" data-testid="no-findings">
      <p class="ov-message-title">
        Nothing found in {plural(steps, "step")}, {sampled} of them sampled.
      </p>
      <p class="ov-message-body">Looked for:</p>
      <ul>
        {CHECKS.map((check) => (
          <li key={check}>{check}</li>
        ))}
      </ul>
    </div>
  );
}

/** Trouble of ortviz itself, kept apart from what is wrong with the user's model. */
function Problems({ problems }: { problems: ProblemRow[] }) {
  if (problems.length === 0) return null;
  return (
    <section class="ov-problems" aria-label="Problems of ortviz" data-testid="problems">
      <h4>Problems of ortviz itself; training went on</h4>
      <ul>
        {problems.map((problem) => (
          <li key={`${problem.step}${problem.what}`}>
            <p>
              {problem.step !== null && <span class="ov-muted">step {problem.step} · </span>}
              {problem.what} <span class="ov-problem-remedy">{problem.remedy}</span>
            </p>
            {problem.detail !== "" && (
              <details>
                <summary>detail</summary>
                <pre>{problem.detail}</pre>
              </details>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
