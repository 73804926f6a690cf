import { useEffect, useState } from "preact/hooks";
import type { GraphStructure } from "../../graph/structure";
import { indexAtOrBefore } from "../../state";
import { useStore } from "../shared/context";
import { useInspector } from "./inspector_context";

/** How long each step is shown while they are played. */
const PLAY_MS = 700;

/**
 * While steps are played, ask for what the next one colours: one step ahead, and only once the
 * shown one has come, so that a slow answer is never waited for behind another.
 */
function useAhead(step: number | null, next: number | null): void {
  const { cache } = useStore();
  const inspector = useInspector();
  useEffect(() => {
    if (step === null || next === null) return;
    let wanted = true;
    const ask = async ({ mode, stage }: GraphStructure) => {
      for (const each of [step, next]) {
        const resource = cache.resource("graph_overlay", { mode, stage, step: each });
        if (wanted && resource.data.peek() === null) await cache.load(resource);
      }
    };
    for (const { structure } of inspector.panes) {
      const shown = structure.peek();
      if (shown !== null) void ask(shown);
    }
    return () => {
      wanted = false;
    };
  }, [cache, inspector, step, next]);
}

/** The sampled steps as places in a row, one of which is shown, and whether they are played. */
function usePlayer() {
  const store = useStore();
  const sampled = store.summary.data.value?.sampled_steps.values;
  const step = store.sampledStep.value;
  const [playing, setPlaying] = useState(false);
  const count = sampled?.length ?? 0;
  const index = sampled === undefined || step === null ? -1 : indexAtOrBefore(sampled, step);
  const atEnd = index >= count - 1;
  const pick = (to: number) => {
    const target = sampled?.[to];
    if (target !== undefined) store.selection.pickStep(target);
  };
  useEffect(() => {
    if (!playing) return;
    if (atEnd) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => pick(index + 1), PLAY_MS);
    return () => clearTimeout(timer);
  }, [playing, index, atEnd]);
  useAhead(step, playing ? (sampled?.[index + 1] ?? null) : null);
  const toggle = () => {
    if (!playing && atEnd) pick(0);
    setPlaying(!playing);
  };
  const goTo = (to: number) => {
    setPlaying(false);
    pick(to);
  };
  return { count, index, step, playing, toggle, goTo };
}

/** A slider over the sampled steps, which all views share, with play and pause. */
export function StepPlayer() {
  const { count, index, step, playing, toggle, goTo } = usePlayer();
  if (count < 2) return null;
  const word = playing ? "Pause" : "Play the steps";
  return (
    <span class="ov-player">
      <button
        type="button"
        class="ov-icon-button"
        aria-label={word}
        title={word}
        onClick={toggle}
        data-testid="step-play"
      >
        <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
          <path d={playing ? "M1 0h3v10H1ZM6 0h3v10H6Z" : "M1 0v10l8-5Z"} />
        </svg>
      </button>
      <input
        type="range"
        min={0}
        max={count - 1}
        value={index}
        aria-label="Step"
        aria-valuetext={`step ${step}`}
        onInput={(event) => goTo(Number(event.currentTarget.value))}
        data-testid="step-slider"
      />
      <span class="ov-num ov-player-step">step {step}</span>
    </span>
  );
}
