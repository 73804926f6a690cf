import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NetronFrame } from "./frame";

/** An iframe whose page is only a list of what it was sent. */
function frameWith(events: ConstructorParameters<typeof NetronFrame>[1] = {}) {
  const sent: Record<string, unknown>[] = [];
  const page = { postMessage: (message: Record<string, unknown>) => sent.push(message) };
  const element = document.createElement("iframe");
  Object.defineProperty(element, "contentWindow", { value: page });
  const frame = new NetronFrame(element, events);
  const say = (event: string, detail = {}, source: unknown = page) =>
    window.dispatchEvent(
      Object.assign(new MessageEvent("message", { data: { ortviz: "netron", event, ...detail } }), {
        source,
      }),
    );
  return { frame, sent, say };
}

describe("NetronFrame", () => {
  let made: ReturnType<typeof frameWith>;
  const opened = vi.fn();
  const picked = vi.fn();

  beforeEach(() => {
    made = frameWith({ opened, picked });
  });

  afterEach(() => {
    made.frame.dispose();
    opened.mockClear();
    picked.mockClear();
  });

  it("keeps what is said before Netron is ready, the newest of each kind", () => {
    made.frame.open("a.onnx", new ArrayBuffer(1));
    made.frame.open("b.onnx", new ArrayBuffer(2));
    made.frame.theme("dark");
    expect(made.sent).toEqual([]);
    made.say("ready");
    expect(made.sent.map((message) => message.name ?? message.theme)).toEqual(["b.onnx", "dark"]);
  });

  it("marks and selects once the model is shown, and marks again in the next one", () => {
    made.say("ready");
    made.frame.mark([{ values: ["y"], color: "red" }]);
    made.frame.select("y");
    expect(made.sent).toEqual([]);
    made.say("opened", { name: "a.onnx", nodes: 3 });
    expect(made.sent.map((message) => message.command)).toEqual(["mark", "select"]);
    expect(opened).toHaveBeenCalledWith("a.onnx", 3);
    made.frame.open("b.onnx", new ArrayBuffer(1));
    made.say("opened", { name: "b.onnx", nodes: 2 });
    expect(made.sent.map((message) => message.command).slice(2)).toEqual(["open", "mark"]);
  });

  it("hears only its own frame, and nothing after dispose", () => {
    made.say("picked", { name: "n", type: "Add", values: ["y"] }, { other: true });
    expect(picked).not.toHaveBeenCalled();
    made.say("picked", { name: "n", type: "Add", values: ["y"] });
    expect(picked).toHaveBeenCalledWith({ name: "n", type: "Add", values: ["y"] });
    made.frame.dispose();
    made.say("picked", { name: "n", type: "Add", values: ["y"] });
    expect(picked).toHaveBeenCalledTimes(1);
  });
});
