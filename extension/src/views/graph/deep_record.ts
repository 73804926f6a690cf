import { useEffect, useState } from "preact/hooks";
import type { Answer } from "../../protocol";
import type { DebuggerStore } from "../../state";
import { useStore } from "../shared/context";
import { useResource } from "../shared/use_resource";

/** A step must rest on screen this long before it is asked: longer than played steps do. */
const REST_MS = 750;
/** At most so many steps are asked, for one that was looked into deeply. */
const MOST_ASKED = 12;
/** Sampled steps on either side of the one on screen that are asked. */
const NEIGHBOURS = 4;

/** What is known of where a step's differences are born. */
export interface DeepRecord {
  /** Whether the step on screen tells it; null while that is not known. */
  deep: boolean | null;
  step: number;
}

/** Whether a step was looked into deeply, so that it tells where its differences are born. */
export function isDeep({ rows }: Answer<"traces">): boolean {
  return rows.some((row) => row.origin !== "unknown" || row.local_abs_error !== null);
}

/**
 * Ask whether a step was looked into deeply.
 *
 * @param step Null asks nothing.
 */
export function useDeepRecord(step: number | null, active: boolean): DeepRecord | null {
  const rested = useRested(step);
  const { data, previous } = useResource(
    "traces",
    rested === null ? null : { step: rested },
    active,
  );
  if (step === null) return null;
  return { step, deep: rested !== step || previous || data === null ? null : isDeep(data) };
}

/** A step once it has stayed the same for a while. */
function useRested(step: number | null): number | null {
  const { cache } = useStore();
  const known = step !== null && cache.resource("traces", { step }).data.peek() !== null;
  const [rested, setRested] = useState<number | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setRested(step), REST_MS);
    return () => clearTimeout(timer);
  }, [step]);
  return known || rested === step ? step : null;
}

/**
 * A step near by that was looked into deeply.
 *
 * @returns Null where none of those that are asked was; undefined while they are asked.
 */
export function useDeepStepNear(step: number): number | null | undefined {
  const store = useStore();
  const [found, setFound] = useState<{ of: number; near: number | null } | null>(null);
  useEffect(() => {
    let going = true;
    void deepStepNear(store, step, () => going).then((near) => {
      if (going) setFound({ of: step, near });
    });
    return () => {
      going = false;
    };
  }, [store, step]);
  return found?.of === step ? found.near : undefined;
}

async function deepStepNear(
  { cache, summary }: DebuggerStore,
  step: number,
  going: () => boolean,
): Promise<number | null> {
  const sampled = summary.data.peek()?.sampled_steps.values ?? [];
  const findings = cache.resource("findings", {}).data.peek()?.rows ?? [];
  const told = findings.flatMap(({ first_step }) => (first_step === null ? [] : [first_step]));
  for (const candidate of likelySteps(sampled, told, step)) {
    if (!going()) return null;
    const resource = cache.resource("traces", { step: candidate });
    if (resource.data.peek() === null) await cache.load(resource);
    const traces = resource.data.peek();
    if (traces !== null && isDeep(traces)) return candidate;
  }
  return null;
}

/**
 * Sampled steps that may have been looked into deeply, the nearest first.
 *
 * Those are the first one, the 10th, 100th, … and those that are off by more than any before,
 * where findings begin; users may have asked for others.
 *
 * @param sampled Ascending.
 * @param told Where findings begin.
 */
export function likelySteps(
  sampled: ArrayLike<number>,
  told: readonly number[],
  step: number,
): number[] {
  const all = Array.from(sampled);
  const at = all.findLastIndex((each) => each <= step);
  const due = all.filter((_, index) => index === 0 || isPowerOfTen(index + 1));
  const near = all.slice(Math.max(at - NEIGHBOURS, 0), at + NEIGHBOURS + 1);
  const found = new Set([...due, ...all.filter((each) => told.includes(each)), ...near]);
  found.delete(step);
  const apart = (other: number) => Math.abs(other - step);
  return [...found].sort((a, b) => apart(a) - apart(b)).slice(0, MOST_ASKED);
}

const isPowerOfTen = (count: number) => count >= 10 && Number.isInteger(Math.log10(count));
