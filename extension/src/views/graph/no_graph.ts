import type { Answer } from "../../protocol";

/** What the kernel's notes say of a fallback, and of a run that may still export. */
const GAVE_UP = /\bgave up\b/;
const NOT_YET = /\bnot exported the model yet\b/;

/** Why a run has no graph at all, in sentences for a person. */
export function noGraphText(
  notes: readonly string[],
  run: Pick<Answer<"run">, "engine" | "engine_reason"> | null,
  live: boolean,
): { title: string; sentences: string[] } {
  if (run?.engine === "eager") {
    const sentences = run.engine_reason ? [run.engine_reason] : [...notes];
    return { title: "This run is in eager PyTorch, so there is no graph.", sentences };
  }
  const said = notes.filter((note) => !NOT_YET.test(note));
  if (said.some((note) => GAVE_UP.test(note))) {
    return { title: "ORTModule gave up, so there is no graph.", sentences: said };
  }
  if (!live || said.length > 0) {
    const ended = "The run ended before ORTModule exported the model.";
    return { title: "There is no graph of this run.", sentences: said.length > 0 ? said : [ended] };
  }
  const soon = "It does so in the first training step; its five stages then appear here.";
  return { title: "ORTModule has not exported the model yet.", sentences: [soon] };
}
