import type { Answer, SeverityName } from "../../protocol";
import { useStore } from "../shared/context";
import { formatCount, formatNumber, plural } from "../shared/format";
import { SEVERITIES, SeverityIcon } from "../shared/symbols";
import { RankChoice } from "./rank_choice";
import { Spark } from "./spark";
import { stepText } from "./step_text";

const STATUS_WORDS = {
  waiting: "waiting",
  live: "live",
  paused: "paused",
  ended: "ended",
} as const;

const ELSEWHERE_WORDS = {
  waiting: "waiting to train",
  live: "training",
  paused: "training without sampling",
  ended: "ended",
} as const;

/** The run at a glance and the controls of time: which step is shown, and whether it is live. */
export function StepStrip() {
  const store = useStore();
  const summary = store.summary.data.value;
  const step = store.step.value;
  const sampled = store.sampledStep.value;
  return (
    <header class="ov-strip" data-testid="strip">
      <div class="ov-strip-title">
        <RunName run={store.run.data.value} />
        <span class="ov-strip-step" data-testid="current-step" title={sampledText(step, sampled)}>
          {shownStepText(summary, step)}
          {sampledText(step, sampled) && ` · sampled ${sampled}`}
        </span>
      </div>
      <div class="ov-strip-run">
        <StepButton direction={-1} summary={summary} />
        {summary ? <Spark summary={summary} step={step} /> : <div class="ov-spark" />}
        <StepButton direction={1} summary={summary} />
      </div>
      <div class="ov-strip-controls">
        <LiveToggle summary={summary} />
        <SamplingControls summary={summary} />
      </div>
      <FindingCounts summary={summary} />
    </header>
  );
}

function RunName({ run }: { run: Answer<"run"> | null }) {
  if (run === null) {
    return (
      <span class="ov-strip-name">
        <strong>…</strong>
        <RankChoice />
      </span>
    );
  }
  const versions = run.versions.map((pair) => pair.join(" ")).join(", ");
  const eager = run.engine === "eager";
  return (
    <span class="ov-strip-name">
      <strong title={`${run.name}\n${versions}`}>{run.name}</strong>
      {eager && (
        <span class="ov-tag ov-look" title={run.engine_reason} data-testid="eager-only">
          eager only
        </span>
      )}
      <RankChoice />
    </span>
  );
}

function shownStepText(summary: Answer<"summary"> | null, step: number | null): string {
  if (summary === null) return "";
  if (step === null) return summary.status === "waiting" ? "no step yet" : "no sampled step yet";
  return stepText(step, summary);
}

/** Said when the step itself has no traces and gradients. */
function sampledText(step: number | null, sampled: number | null): string {
  if (step === null || sampled === null || step === sampled) return "";
  return `Step ${step} was not sampled; Traces and Gradients show step ${sampled}.`;
}

function StepButton({
  direction,
  summary,
}: {
  direction: 1 | -1;
  summary: Answer<"summary"> | null;
}) {
  const store = useStore();
  const word = direction === 1 ? "Next" : "Previous";
  return (
    <button
      type="button"
      class="ov-icon-button"
      aria-label={`${word} sampled step`}
      title={`${word} sampled step`}
      disabled={!summary || summary.sampled_step_count === 0}
      onClick={() => store.stepBy(direction)}
      data-testid={direction === 1 ? "next-step" : "previous-step"}
    >
      <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
        <path d={direction === 1 ? "M2 .5 9 5 2 9.5Z" : "M8 .5 1 5l7 4.5Z"} />
      </svg>
    </button>
  );
}

/** While live: whether all views follow the newest step. */
function LiveToggle({ summary }: { summary: Answer<"summary"> | null }) {
  const store = useStore();
  const status = summary?.status ?? "waiting";
  const following = store.selection.pickedStep.value === null;
  if (!store.live.value) {
    return (
      <span class="ov-status" data-testid="run-status" data-status={status}>
        <span aria-hidden="true">■</span> {STATUS_WORDS[status]}
      </span>
    );
  }
  const word = store.transport.controllable ? STATUS_WORDS[status] : "newest step";
  const title = following
    ? "Shows the newest sampled step. Choose a step to stay at it."
    : "Go back to the newest sampled step and follow it.";
  return (
    <button
      type="button"
      class={`ov-button ov-live${following ? " ov-on" : ""}`}
      aria-pressed={following}
      title={title}
      onClick={() =>
        following && store.step.value !== null
          ? store.selection.pickStep(store.step.value)
          : store.selection.followLatest()
      }
      data-testid="live-toggle"
      data-status={status}
    >
      <span aria-hidden="true">{following ? "●" : "○"}</span> {word}
      {summary?.steps_per_sec != null && (
        <span class="ov-muted ov-speed">{formatNumber(summary.steps_per_sec)} steps/s</span>
      )}
    </button>
  );
}

function SamplingControls({ summary }: { summary: Answer<"summary"> | null }) {
  const store = useStore();
  if (!store.live.value) return null;
  if (!store.transport.controllable) return <TrainedElsewhere summary={summary} />;
  const paused = summary?.status === "paused";
  const pauseTitle = paused
    ? "Sample steps again"
    : "Train on without sampling; nothing is recorded but the losses";
  return (
    <>
      <button
        type="button"
        class="ov-button"
        title={pauseTitle}
        onClick={() => void store.control(paused ? "resume" : "pause")}
        data-testid="pause-resume"
      >
        {paused ? "resume" : "pause"}
      </button>
      <button
        type="button"
        class="ov-button"
        title="Sample the very next step, whatever its number"
        onClick={() => void store.control("sample_next")}
        data-testid="sample-next"
      >
        sample next
      </button>
    </>
  );
}

/** Where nobody can obey: who trains, and how far what is shown goes. */
function TrainedElsewhere({ summary }: { summary: Answer<"summary"> | null }) {
  const { run } = useStore();
  const place = (run.data.value?.world_size ?? 1) > 1 ? "process" : "kernel";
  const doing = ELSEWHERE_WORDS[summary?.status ?? "waiting"];
  const step = summary?.latest_step ?? null;
  return (
    <span
      class="ov-status ov-elsewhere"
      title={
        `What is shown is read from the run's file every few seconds. Only the ${place} that ` +
        "records the run can pause it or sample a step."
      }
      data-testid="trained-elsewhere"
    >
      {doing} in another {place}
      {step !== null && `; shown as of step ${formatCount(step)}`}
    </span>
  );
}

function FindingCounts({ summary }: { summary: Answer<"summary"> | null }) {
  const store = useStore();
  const counts = summary?.finding_counts;
  const total = counts ? counts.error + counts.warning + counts.info : 0;
  const problems = summary?.problems.length ?? 0;
  const shown = SEVERITIES.filter((severity: SeverityName) => counts && counts[severity] > 0);
  return (
    <button
      type="button"
      class={`ov-counts${total > 0 ? " ov-some" : ""}`}
      title="Show the findings"
      onClick={() => {
        store.selection.view.value = "findings";
      }}
      data-testid="finding-counts"
    >
      {shown.map((severity) => (
        <span key={severity}>
          <SeverityIcon severity={severity} /> {counts?.[severity]}
        </span>
      ))}
      <span class="ov-counts-word">{total === 0 ? "no findings" : plural(total, "finding")}</span>
      {problems > 0 && (
        <span class="ov-muted" title="Trouble of ortviz itself; listed below the findings">
          + {plural(problems, "problem")}
        </span>
      )}
    </button>
  );
}
