import { StringTable } from "../../graph/string_table";
import type { GraphStructure } from "../../graph/structure";
import type { Answer } from "../../protocol";
import type { DebuggerStore } from "../store";

type OverlayAnswer = Answer<"graph_overlay">;

const places = new WeakMap<OverlayAnswer, Promise<ReadonlyMap<string, readonly number[]>>>();

/**
 * The node that makes the tensor of a site in a stage; null where it cannot be told.
 *
 * @param step A sampled step at which the site was recorded; null asks nobody.
 */
export async function nodeOfSite(
  { cache }: DebuggerStore,
  structure: GraphStructure,
  site: string,
  step: number | null,
): Promise<number | null> {
  if (step === null) return null;
  const { mode, stage } = structure;
  const resource = cache.resource("graph_overlay", { mode, stage, step });
  if (resource.data.peek() === null) await cache.load(resource);
  // A run without this stage, and a report without this step, have no answer: it is not told then.
  const answer = resource.data.peek();
  if (answer === null) return null;
  const [row] = (await rowsBySite(answer)).get(site) ?? [];
  const value = row === undefined ? undefined : answer.value.values[row];
  return value === undefined ? null : structure.producer(value);
}

function rowsBySite(answer: OverlayAnswer): Promise<ReadonlyMap<string, readonly number[]>> {
  const known = places.get(answer) ?? new StringTable(answer.site_ids).places();
  places.set(answer, known);
  return known;
}
