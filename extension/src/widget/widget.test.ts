import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { goldenReply } from "../../test/golden";
import type { CommandMessage } from "../protocol";
import { jupyterBaseUrl } from "./base_url";
import widget, { widgetTransport } from "./index";
import { KernelTransport, type MessageModel } from "./kernel_transport";

type Handler = (message: unknown, buffers: DataView[]) => void;

function fakeModel() {
  const handlers = new Set<Handler>();
  const sent: CommandMessage[] = [];
  const model = {
    on: (_: string, handler: Handler) => handlers.add(handler),
    off: (_: string, handler: Handler) => handlers.delete(handler),
    send: (message: CommandMessage) => sent.push(message),
  } as unknown as MessageModel;
  const say = (message: unknown, buffers: ArrayBuffer[] = []) => {
    for (const handler of handlers)
      handler(
        message,
        buffers.map((buffer) => new DataView(buffer)),
      );
  };
  return { model, sent, say, handlers };
}

describe("KernelTransport", () => {
  let kernel: ReturnType<typeof fakeModel>;
  let transport: KernelTransport;

  beforeEach(() => {
    vi.useFakeTimers();
    kernel = fakeModel();
    transport = new KernelTransport(kernel.model);
  });
  afterEach(() => {
    transport.dispose();
    vi.useRealTimers();
  });

  it("matches answers to questions by id, whatever their order", async () => {
    const run = transport.request("run", {});
    const step = transport.request("traces", { step: 2 });
    const [first, second] = kernel.sent;
    expect(second).toMatchObject({ type: "command", command: "traces", params: { step: 2 } });
    kernel.say({ type: "error", id: second?.id, message: "No step 2." });
    kernel.say({ type: "reply", id: first?.id, payload: { name: "x" } });
    await expect(step).rejects.toThrow("No step 2.");
    await expect(run).resolves.toEqual({ payload: { name: "x" }, buffers: [] });
  });

  it("gives every buffer as bytes of its own", async () => {
    const reply = transport.request("losses", {});
    const { payload, buffers } = goldenReply("losses");
    kernel.say({ type: "reply", id: kernel.sent[0]?.id, payload }, buffers);
    expect((await reply).buffers).toEqual(buffers);
  });

  it("leaves alone what belongs to another view of the widget, or to the loader", () => {
    const other = new KernelTransport(kernel.model);
    transport.request("run", {}).catch(() => {});
    other.request("run", {}).catch(() => {});
    expect(kernel.sent[0]?.id).not.toBe(kernel.sent[1]?.id);
    expect(() => kernel.say({ type: "bundle" })).not.toThrow();
    other.dispose();
  });

  it("says that the kernel is busy while it does not answer, and ready when it does", async () => {
    const heard: string[] = [];
    transport.onStatus((status) => heard.push(status));
    const reply = transport.request("run", {});
    vi.advanceTimersByTime(5_000);
    kernel.say({ type: "reply", id: kernel.sent[0]?.id, payload: {} });
    await reply;
    expect(heard).toEqual(["ready", "busy", "ready"]);
  });

  it("passes pushes on until told to stop", () => {
    const heard = vi.fn();
    const stop = transport.onPush(heard);
    const push = { type: "push", command: "summary", params: {}, payload: {} };
    kernel.say(push);
    stop();
    kernel.say(push);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(heard.mock.calls[0]?.[0]).toMatchObject({ command: "summary" });
  });

  it("leaves nothing behind when disposed: no handler, no timer, no open question", async () => {
    const reply = transport.request("run", {});
    transport.dispose();
    await expect(reply).rejects.toThrow("closed");
    expect(kernel.handlers.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A widget's model without a kernel that answers. */
function widgetModel(traits: Record<string, unknown>) {
  const { model } = fakeModel();
  return Object.assign(model, {
    get: (name: string) => traits[name],
    set: vi.fn(),
    save_changes: vi.fn(),
  });
}

describe("the widget", () => {
  const jupyter = new DOMParser().parseFromString('<body data-base-url="/user/ada">', "text/html");
  const elsewhere = new DOMParser().parseFromString("<p>VS Code</p>", "text/html");
  const transportOf = (traits: Record<string, string | boolean>, page = jupyter) =>
    widgetTransport(widgetModel(traits) as never, page);

  beforeEach(() => {
    vi.stubGlobal("fetch", vi.fn().mockRejectedValue(new TypeError("no server")));
  });
  afterEach(() => vi.unstubAllGlobals());

  it("reads a run's file, or an ONNX file, through the page's server", () => {
    const run = transportOf({ run_path: "/a/b.ortviz", onnx_path: "" });
    const file = transportOf({ run_path: "", onnx_path: "/a/b.onnx" });
    const asked = vi
      .mocked(fetch)
      .mock.calls.map(([url, init]) => [url, JSON.parse(String(init?.body))]);
    expect(asked).toMatchObject([
      ["/user/ada/ortviz/run/command", { run: "/a/b.ortviz", command: "run" }],
      ["/user/ada/ortviz/onnx/command", { path: "/a/b.onnx", command: "run" }],
    ]);
    for (const transport of [run, file]) transport.dispose();
  });

  it("controls training only where the kernel records the run", () => {
    for (const controls of [true, false]) {
      const transport = transportOf({ run_path: "/a/b.ortviz", onnx_path: "", controls });
      expect(transport.controllable).toBe(controls);
      transport.dispose();
    }
  });

  it("asks the kernel alone where there is no file, or no server", () => {
    transportOf({ run_path: "", onnx_path: "" }).dispose();
    transportOf({ run_path: "", onnx_path: "/a/b.onnx" }, elsewhere).dispose();
    expect(fetch).not.toHaveBeenCalled();
  });

  it.each([
    [["graph"], "ortviz-graph"],
    [[], "ortviz"],
  ])("mounts what its views say: %s", async (views, testid) => {
    const el = document.createElement("div");
    const model = widgetModel({ views, graph: ["training", "optimized"], height: 300 });
    const close = widget.render({ model, el } as never);
    expect(el.querySelector(`[data-testid="${testid}"]`)).not.toBeNull();
    close();
    expect(el.innerHTML).toBe("");
  });
});

describe("jupyterBaseUrl", () => {
  const page = (body: string) => new DOMParser().parseFromString(body, "text/html");

  it.each([
    ['<body data-base-url="/user/ada">', "/user/ada/"],
    [
      '<script id="jupyter-config-data" type="application/json">{"baseUrl":"/lab/"}</script>',
      "/lab/",
    ],
    ['<script id="jupyter-config-data" type="application/json">not json</script>', null],
    ["<p>VS Code</p>", null],
  ])("finds in %s: %s", (body, url) => {
    expect(jupyterBaseUrl(page(body))).toBe(url);
  });
});
