import { describe, expect, it } from "vitest";
import { noGraphText } from "./no_graph";

const ORT = { engine: "ortmodule", engine_reason: "" } as const;
const NOT_YET = "ORTModule has not exported the model yet; it does so in the first step.";
const GAVE_UP = "Step 0: ORTModule gave up and the model runs in eager PyTorch from here on.";

describe("noGraphText", () => {
  it("promises a graph only while one may still come", () => {
    expect(noGraphText([NOT_YET], ORT, true).title).toMatch(/not exported the model yet/);
    const ended = JSON.stringify(noGraphText([NOT_YET], ORT, false));
    expect(ended).not.toMatch(/yet|first training step/);
    const note = "No graph of this model has been saved.";
    expect(noGraphText([note], ORT, true).sentences).toEqual([note]);
  });

  it("says that ORTModule gave up, live or ended, in the note's words", () => {
    for (const live of [true, false]) {
      expect(noGraphText([GAVE_UP, NOT_YET], ORT, live)).toEqual({
        title: "ORTModule gave up, so there is no graph.",
        sentences: [GAVE_UP],
      });
    }
  });

  it("gives the reason of a run without ONNX Runtime", () => {
    const run = { engine: "eager", engine_reason: "No compiler was found." } as const;
    const { title, sentences } = noGraphText([NOT_YET], run, true);
    expect(title).toContain("eager PyTorch");
    expect(sentences).toEqual(["No compiler was found."]);
  });
});
