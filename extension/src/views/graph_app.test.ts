import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GoldenTransport, goldenReply } from "../../test/golden";
import { mountGraph } from "./mount";

/** What a lone ONNX file answers: no step, and one graph that is none of ORTModule's stages. */
function fileTransport(): GoldenTransport {
  const transport = new GoldenTransport("waiting");
  const run = goldenReply("run");
  transport.answers.set("run?{}", {
    ...run,
    payload: { ...(run.payload as object), engine: "file", modules: [] },
  });
  const graphs = goldenReply("graphs");
  const { stages } = graphs.payload as { stages: object[] };
  const row = { ...stages[0], mode: "inference", stage: "model" };
  const first = { mode: "inference", stage: "model" };
  transport.answers.set("graphs?{}", { payload: { stages: [row], first, notes: [] }, buffers: [] });
  return transport;
}

describe("the Graph view alone", () => {
  let element: HTMLElement;
  let unmount = () => {};

  beforeEach(() => {
    element = document.body.appendChild(document.createElement("div"));
  });
  afterEach(() => {
    unmount();
    element.remove();
  });

  const shown = (testid: string) => element.querySelector(`[data-testid="${testid}"]`);

  it("goes to the graph that is proposed where there is no other", async () => {
    const transport = fileTransport();
    unmount = mountGraph(element, transport);
    await vi.waitFor(() =>
      expect(transport.asked.join()).toContain('{"mode":"inference","stage":"model"}'),
    );
    expect(shown("tab-graph")).toBeNull();
    expect(shown("strip")).toBeNull();
    expect(shown("status-line")?.textContent).toContain("Select a node or a module.");
  });

  it("shows the steps of a run that has some, and the graph that was asked for", async () => {
    const transport = new GoldenTransport("recorded");
    unmount = mountGraph(element, transport, {
      graph: { mode: "training", stage: "torch_exported" },
      height: 300,
    });
    await vi.waitFor(() => expect(shown("strip")).not.toBeNull());
    await vi.waitFor(() => expect(transport.asked.join()).toContain("torch_exported"));
    expect((shown("ortviz-graph") as HTMLElement).style.height).toBe("300px");
  });

  it("says why where nothing can be read", async () => {
    const transport = fileTransport();
    transport.failure = "broken.onnx cannot be read.";
    unmount = mountGraph(element, transport);
    await vi.waitFor(() => expect(element.textContent).toContain("broken.onnx cannot be read."));
    unmount();
    expect(element.innerHTML).toBe("");
  });
});
