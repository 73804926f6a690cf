import type { Answer } from "../../protocol";
import { formatCount, plural } from "../shared/format";

/**
 * The shown step and how many there are: `step 115 · 120 steps`. Steps count from 0, so "of" would
 * read as one too few.
 */
export function stepText(
  step: number,
  { total_steps, step_count }: Pick<Answer<"summary">, "total_steps" | "step_count">,
): string {
  const count = Math.max(step + 1, total_steps ?? step_count);
  return `step ${formatCount(step)} · ${plural(count, "step")}`;
}
