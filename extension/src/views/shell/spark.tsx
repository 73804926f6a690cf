import { useMemo, useRef } from "preact/hooks";
import type { Answer } from "../../protocol";
import { sampledStepFor } from "../../state";
import { useStore } from "../shared/context";
import { SEVERITY_PATHS } from "../shared/symbols";
import { useSize } from "../shared/use_size";
import { stepText } from "./step_text";
import { markPositions, type StepSpan, sparkPath, stepToX, xToStep } from "./strip_scale";

const HEIGHT = 34;
/** Finding marks have a lane of their own above the curve. */
const MARK_LANE = 10;
const CURVE = HEIGHT - MARK_LANE - 4;
/** A press this near to a mark means the mark, in px. */
const SNAP_PX = 6;
/** Sampled steps to jump with PageUp and PageDown. */
const PAGE = 10;

/** The whole run as a small loss curve: drag it, or use the arrow keys, to choose a step. */
export function Spark({ summary, step }: { summary: Answer<"summary">; step: number | null }) {
  const store = useStore();
  const ref = useRef<HTMLDivElement>(null);
  const width = Math.max(1, useSize(ref).width);
  const span = stepSpan(summary);
  const marks = useMemo(
    () => markPositions(summary.finding_marks, span, width),
    [summary.finding_marks, span.last, width],
  );
  const pickAt = (event: PointerEvent) => {
    const x = event.clientX - (event.currentTarget as Element).getBoundingClientRect().left;
    const near = marks.findLast((mark) => Math.abs(mark.x - x) <= SNAP_PX);
    const raw = near?.step ?? xToStep(x, span, width);
    store.selection.pickStep(
      near ? raw : (sampledStepFor(summary.sampled_steps.values, raw) ?? raw),
    );
  };
  return (
    <div
      ref={ref}
      class="ov-spark"
      role="slider"
      tabIndex={0}
      aria-label="Step of the run"
      aria-valuemin={span.first}
      aria-valuemax={span.last}
      aria-valuenow={step ?? span.first}
      aria-valuetext={step === null ? "no step yet" : stepText(step, summary)}
      data-testid="step-strip"
      data-step={step ?? ""}
      onKeyDown={(event) => pickByKey(event, store, summary)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pickAt(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) pickAt(event);
      }}
    >
      <Drawing summary={summary} span={span} width={width} step={step} marks={marks} />
    </div>
  );
}

interface DrawingProps {
  summary: Answer<"summary">;
  span: StepSpan;
  width: number;
  step: number | null;
  marks: ReturnType<typeof markPositions>;
}

function Drawing({ summary, span, width, step, marks }: DrawingProps) {
  const path = useMemo(() => {
    const { spark_steps, spark_min, spark_max } = summary;
    const box = { width, height: CURVE };
    return sparkPath(spark_steps.values, spark_min.values, spark_max.values, span, box);
  }, [summary, span.last, width]);
  const x = step === null ? null : stepToX(step, span, width);
  const side = useStore().eagerOnly.value ? "reference" : "candidate";
  return (
    <svg width={width} height={HEIGHT} aria-hidden="true">
      <line class="ov-spark-base" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      <path
        class={`ov-spark-curve ov-spark-${side}`}
        d={path}
        transform={`translate(0 ${MARK_LANE + 2})`}
      />
      {x !== null && <line class="ov-spark-step" x1={x} x2={x} y1="0" y2={HEIGHT} />}
      {marks.map((mark) => (
        <path
          key={`${mark.severity}${mark.step}`}
          class={`ov-severity-${mark.severity}`}
          d={SEVERITY_PATHS[mark.severity]}
          transform={`translate(${mark.x - 4} 1) scale(.8)`}
          data-testid={`finding-mark-${mark.step}`}
        >
          <title>{`${mark.severity} at step ${mark.step}`}</title>
        </path>
      ))}
    </svg>
  );
}

function stepSpan(summary: Answer<"summary">): StepSpan {
  const last = Math.max((summary.total_steps ?? 0) - 1, summary.latest_step ?? 0);
  return { first: 0, last };
}

function pickByKey(
  event: KeyboardEvent,
  store: ReturnType<typeof useStore>,
  summary: Answer<"summary">,
): void {
  const sampled = summary.sampled_steps.values;
  const pick = (step: number | undefined) => step !== undefined && store.selection.pickStep(step);
  const times = (count: number, direction: 1 | -1) => {
    for (let i = 0; i < count; i += 1) store.stepBy(direction);
  };
  const actions: Record<string, () => void> = {
    ArrowLeft: () => store.stepBy(-1),
    ArrowDown: () => store.stepBy(-1),
    ArrowRight: () => store.stepBy(1),
    ArrowUp: () => store.stepBy(1),
    PageDown: () => times(PAGE, -1),
    PageUp: () => times(PAGE, 1),
    Home: () => pick(sampled[0]),
    End: () => pick(sampled.at(-1)),
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}
