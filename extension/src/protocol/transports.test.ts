import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf, GoldenTransport, goldenFile, goldenReply } from "../../test/golden";
import { CombinedTransport } from "./combined_transport";
import { netronUrl, ServerTransport, xsrfToken } from "./server_transport";
import { type StaticReport, StaticTransport } from "./static_transport";
import { requestKey, TransportError } from "./transport";

const FRAME = bytesOf(goldenFile("frame").frame ?? "");
const PACKED = gzipSync(new Uint8Array(FRAME)).toString("base64");

describe("requestKey", () => {
  it("sorts the parameters and leaves out those that are absent", () => {
    const params = { step: 3, loss: "mape" as const, extra: undefined };
    expect(requestKey("masked_elements", params)).toBe('masked_elements?{"loss":"mape","step":3}');
  });
});

describe("ServerTransport", () => {
  const fetcher = vi.fn<typeof fetch>();
  const server = new ServerTransport({ baseUrl: "/user/ada/", runPath: "/data/a b.ortviz" });

  beforeEach(() => {
    vi.stubGlobal("fetch", fetcher);
    fetcher.mockReset();
  });
  afterEach(() => vi.unstubAllGlobals());

  it("posts the command with the run and the token, and reads the frame", async () => {
    vi.spyOn(document, "cookie", "get").mockReturnValue("_xsrf=2%7Cabc");
    fetcher.mockResolvedValue(new Response(FRAME));
    const reply = await server.request("mask_map", { loss: "mape" });
    expect(reply).toEqual(goldenReply("frame"));
    const [url, init] = fetcher.mock.calls[0] ?? [];
    expect(url).toBe("/user/ada/ortviz/run/command");
    expect(new Headers(init?.headers).get("X-XSRFToken")).toBe("2|abc");
    expect(JSON.parse(String(init?.body))).toMatchObject({
      run: "/data/a b.ortviz",
      command: "mask_map",
      params: { loss: "mape" },
    });
  });

  it("gives what was asked ahead to the first who asks the same, and to nobody else", async () => {
    fetcher.mockImplementation(async () => new Response(FRAME));
    server.prefetch("graph_structure", { mode: "training", stage: "optimized" });
    expect(fetcher).toHaveBeenCalledTimes(1);
    const same = { stage: "optimized", mode: "training" } as const;
    expect(await server.request("graph_structure", same)).toEqual(goldenReply("frame"));
    expect(fetcher).toHaveBeenCalledTimes(1);
    await server.request("graph_structure", same);
    await server.request("graphs", {});
    expect(fetcher).toHaveBeenCalledTimes(3);
  });

  it("tells a failure of what was asked ahead to whoever asks", async () => {
    fetcher.mockResolvedValue(Response.json({ message: "It is no ONNX model." }, { status: 400 }));
    server.prefetch("graphs", {});
    await expect(server.request("graphs", {})).rejects.toThrow("It is no ONNX model.");
  });

  it("passes on the server's own sentence; that is an answer, not an absence", async () => {
    const refusal = Response.json({ message: "There is no step 9." }, { status: 400 });
    fetcher.mockResolvedValue(refusal);
    const error = await server.request("traces", { step: 9 }).catch((reason) => reason);
    expect(error).toBeInstanceOf(TransportError);
    expect(error.message).toBe("There is no step 9.");
    expect(error.unreachable).toBe(false);
  });

  it.each([
    ["no connection", () => Promise.reject(new TypeError("failed to fetch"))],
    ["no such extension", () => Promise.resolve(new Response("<html>", { status: 404 }))],
    ["a broken proxy", () => Promise.resolve(new Response("", { status: 502 }))],
  ])("is unreachable with %s", async (_, answer) => {
    fetcher.mockImplementation(answer);
    const error = await server.request("run", {}).catch((reason) => reason);
    expect(error.unreachable).toBe(true);
    expect(await server.probe()).toBe(false);
  });

  it("names a stage for Netron by its own origin's path", () => {
    const url = netronUrl(server.address, "training", "optimized");
    const page = new URL(url, "http://localhost");
    expect(page.pathname).toBe("/user/ada/ortviz/netron/index.html");
    expect(page.searchParams.get("identifier")).toBe("optimized_training.onnx");
    const graph = new URL(page.searchParams.get("url") ?? "", "http://localhost");
    expect(graph.pathname).toBe("/user/ada/ortviz/run/graph");
    expect(Object.fromEntries(graph.searchParams)).toEqual({
      run: "/data/a b.ortviz",
      mode: "training",
      stage: "optimized",
    });
  });

  it("finds its cookie among others and no other", () => {
    expect(xsrfToken("a=1; _xsrf=t; b=2")).toBe("t");
    expect(xsrfToken("my_xsrf=no")).toBeNull();
  });
});

describe("ServerTransport of an ONNX file", () => {
  const frame = () => bytesOf(goldenFile("frame").frame ?? "");
  const answer = (version: string) =>
    new Response(frame(), { headers: { "Ortviz-Version": version } });

  it("names the file, and leads Netron to it", async () => {
    const asked = vi.spyOn(globalThis, "fetch").mockResolvedValue(answer("1"));
    const server = new ServerTransport({ baseUrl: "/", onnxPath: "a & b.onnx" });
    await server.request("graphs", {});
    const [url, init] = asked.mock.calls[0] ?? [];
    expect(url).toBe("/ortviz/onnx/command");
    expect(JSON.parse(String(init?.body))).toMatchObject({ path: "a & b.onnx" });
    const page = new URL(netronUrl(server.address, "inference", "model"), "http://localhost");
    const model = new URL(page.searchParams.get("url") ?? "", "http://localhost");
    expect(model.pathname).toBe("/ortviz/onnx/graph");
    expect(Object.fromEntries(model.searchParams)).toEqual({
      path: "a & b.onnx",
      mode: "inference",
      stage: "model",
    });
    asked.mockRestore();
  });

  it("asks nothing more of a file that was refused, until somebody wants to try again", async () => {
    const refusal = () =>
      Response.json({ message: "a.onnx cannot be read.", file: true }, { status: 400 });
    const asked = vi.spyOn(globalThis, "fetch").mockImplementation(async () => refusal());
    const server = new ServerTransport({ baseUrl: "/", onnxPath: "a.onnx" });
    server.prefetch("graphs", {});
    const both = [server.request("run", {}), server.request("graphs", {})];
    for (const reply of both) await expect(reply).rejects.toThrow("a.onnx cannot be read.");
    await expect(server.request("summary", {})).rejects.toThrow("a.onnx cannot be read.");
    expect(asked).toHaveBeenCalledTimes(1);
    asked.mockImplementation(async () => answer("1"));
    server.retry();
    await server.request("run", {});
    await server.request("summary", {});
    expect(asked).toHaveBeenCalledTimes(3);
    asked.mockRestore();
  });

  it("goes on asking where only one question was refused", async () => {
    const refusal = () => Response.json({ message: "No such node." }, { status: 400 });
    const asked = vi.spyOn(globalThis, "fetch").mockImplementation(async () => refusal());
    const server = new ServerTransport({ baseUrl: "/", onnxPath: "a.onnx" });
    await expect(server.request("graphs", {})).rejects.toThrow("No such node.");
    asked.mockImplementation(async () => answer("1"));
    await server.request("run", {});
    expect(asked).toHaveBeenCalledTimes(2);
    asked.mockRestore();
  });

  it("tells once when the file has changed, and answers nothing that does not fit", async () => {
    const asked = vi
      .spyOn(globalThis, "fetch")
      .mockImplementation(async () => answer(asked.mock.calls.length > 1 ? "2" : "1"));
    const changed = vi.fn();
    const server = new ServerTransport({ baseUrl: "/", onnxPath: "a.onnx" }, changed);
    await server.request("graphs", {});
    expect(changed).not.toHaveBeenCalled();
    await expect(server.request("run", {})).rejects.toThrow("has changed on disk");
    await expect(server.request("run", {})).rejects.toThrow("has changed on disk");
    expect(changed).toHaveBeenCalledTimes(1);
    asked.mockRestore();
  });
});

describe("StaticTransport", () => {
  const report = (change: Partial<StaticReport> = {}): StaticReport => ({
    format: 1,
    title: "",
    created: "",
    encoding: "gzip+base64",
    frames: { 'mask_map?{"loss":"mape"}': PACKED },
    missing: {
      traces: "Only every tenth step is in this report.",
      'traces?{"step":2}': "Step 2 broke.",
    },
    steps: [],
    notes: [],
    ...change,
  });

  it("answers from the file, a zoomed map with the whole one", async () => {
    const transport = new StaticTransport(report());
    const expected = goldenReply("frame");
    expect(await transport.request("mask_map", { loss: "mape" })).toEqual(expected);
    const zoomed = { loss: "mape" as const, first_step: 2, last_step: 3 };
    expect(await transport.request("mask_map", zoomed)).toEqual(expected);
  });

  it("says why something is absent: this one, this kind, or nothing known", async () => {
    const transport = new StaticTransport(report());
    await expect(transport.request("traces", { step: 2 })).rejects.toThrow("Step 2 broke.");
    await expect(transport.request("traces", { step: 3 })).rejects.toThrow("every tenth");
    await expect(transport.request("findings", {})).rejects.toThrow("does not contain findings?{}");
  });

  it("answers for any rank what is the same for all of them", async () => {
    const stage = { mode: "training" as const, stage: "optimized" as const };
    const key = requestKey("graph_structure", stage);
    const transport = new StaticTransport(report({ frames: { [key]: PACKED } }));
    const reply = await transport.request("graph_structure", { ...stage, rank: 1 });
    expect(reply).toEqual(goldenReply("frame"));
    await expect(transport.request("graph_nodes", { ...stage, rank: 1 })).rejects.toThrow(
      "graph_nodes",
    );
  });

  it("refuses a report of another format", () => {
    const other = { format: 2 } as unknown as Partial<StaticReport>;
    expect(() => new StaticTransport(report(other))).toThrow(/format 2.*reads format 1/);
  });
});

describe("CombinedTransport", () => {
  function combine(answers: boolean) {
    const kernel = new GoldenTransport();
    const server = Object.assign(new GoldenTransport(), { probe: () => Promise.resolve(answers) });
    return { kernel, server, combined: new CombinedTransport(kernel, server) };
  }

  it("reads from the server and controls the kernel", async () => {
    const { kernel, server, combined } = combine(true);
    kernel.answers.set('control?{"action":"pause"}', { payload: {}, buffers: [] });
    await combined.request("run", {});
    await combined.request("control", { action: "pause" });
    expect(server.asked).toEqual(["run?{}"]);
    expect(kernel.asked).toEqual(['control?{"action":"pause"}']);
  });

  it("reads from the kernel where there is no server", async () => {
    const { kernel, server, combined } = combine(false);
    await combined.request("run", {});
    expect(server.asked).toEqual([]);
    expect(kernel.asked).toEqual(["run?{}"]);
  });

  it("falls back only when the server did not answer, not when it refused", async () => {
    const { kernel, server, combined } = combine(true);
    vi.spyOn(server, "request").mockRejectedValueOnce(new TransportError("gone", true));
    await combined.request("run", {});
    expect(kernel.asked).toEqual(["run?{}"]);
    vi.spyOn(server, "request").mockRejectedValueOnce(new TransportError("no such step"));
    await expect(combined.request("traces", { step: 2 })).rejects.toThrow("no such step");
    expect(kernel.asked).toEqual(["run?{}"]);
  });
});
