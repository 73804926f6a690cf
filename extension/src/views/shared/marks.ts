/** Class of a row where a direction's difference is born, or where it first shows; else empty. */
export function markOf(
  siteId: string,
  step: { first_divergence: readonly string[]; first_own_divergence: readonly string[] },
): string {
  if (step.first_own_divergence.includes(siteId)) return " ov-row-born";
  return step.first_divergence.includes(siteId) ? " ov-row-first" : "";
}
