import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { beforeEach, expect, it, vi } from "vitest";
import type { ServerTransport } from "../protocol";

// Lumino asks for it when it is loaded.
vi.hoisted(() => {
  globalThis.DragEvent ??= class extends Event {} as unknown as typeof DragEvent;
});
const mounted: { transport: ServerTransport; options: unknown; there: boolean }[] = [];
let broken = false;
vi.mock("../views", () => ({
  mountGraph: (_: HTMLElement, transport: ServerTransport, options: unknown) => {
    if (broken) throw new Error("No views.");
    const entry = { transport, options, there: true };
    mounted.push(entry);
    return () => {
      entry.there = false;
    };
  },
}));
vi.mock("../graph/layout/start_worker", () => ({ prewarmLayout: () => {} }));

// Loaded once, so that the panel has them at once.
await import("../views");
const { GraphPanel } = await import("./graph_panel");

type Listener = () => void;

/** What JupyterLab says of a file that is open. */
class FileContext {
  readonly listeners: Listener[] = [];
  isReady = true;
  ready = Promise.resolve();
  readonly fileChanged = this.#signal();
  readonly pathChanged = this.#signal();

  constructor(public path: string) {}

  tell(): void {
    for (const listener of [...this.listeners]) listener();
  }

  #signal() {
    const bound = new Map<Listener, Listener>();
    return {
      connect: (slot: Listener, owner: object) => {
        bound.set(slot, slot.bind(owner));
        this.listeners.push(bound.get(slot) as Listener);
      },
      disconnect: (slot: Listener) => {
        this.listeners.splice(this.listeners.indexOf(bound.get(slot) as Listener), 1);
      },
    };
  }
}

let signals: AbortSignal[] = [];
let paths: string[] = [];

beforeEach(() => {
  mounted.length = 0;
  signals = [];
  paths = [];
  broken = false;
  vi.stubGlobal("fetch", (_: string, { signal, body }: RequestInit & { signal: AbortSignal }) => {
    signals.push(signal);
    paths.push(JSON.parse(String(body)).path);
    return new Promise(() => {});
  });
});

const drive = (path: string) => (/^\w+:/.test(path) ? (path.split(":")[0] ?? "") : "");
const CONTENTS = {
  driveName: drive,
  localPath: (path: string) => (drive(path) === "" ? path : path.slice(path.indexOf(":") + 1)),
} as Contents.IManager;

function open(path: string, change: Partial<FileContext> = {}) {
  const context = Object.assign(new FileContext(path), change);
  const panel = new GraphPanel(context as unknown as DocumentRegistry.Context, CONTENTS, {
    baseUrl: "http://localhost/",
  } as ServerConnection.ISettings);
  return { context, panel };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 30));

it("asks once, shows the stage that the file's name tells, and leaves nothing behind", async () => {
  const { panel, context } = open("net_execution_model_training.onnx");
  await settled();
  expect(mounted.map(({ options }) => options)).toEqual([
    { graph: { mode: "training", stage: "execution_model" } },
  ]);
  expect(signals).toHaveLength(1);
  panel.dispose();
  expect(mounted[0]?.there).toBe(false);
  expect(signals[0]?.aborted).toBe(true);
  expect(context.listeners).toEqual([]);
});

it("is shown anew when the file changes, however often that is told", async () => {
  const { context, panel } = open("net.onnx");
  await settled();
  context.tell();
  await settled();
  const there = mounted.filter((entry) => entry.there);
  expect(there).toHaveLength(1);
  // Whoever is shown has somebody to ask; all others are gone.
  expect(signals.map(({ aborted }) => aborted)).toEqual([
    ...signals.slice(1).map(() => true),
    false,
  ]);
  expect(there[0]?.transport).not.toBe(mounted[0]?.transport);
  panel.dispose();
});

it("mounts nothing in a tab that was closed meanwhile", async () => {
  const { panel } = open("net.onnx");
  panel.dispose();
  await settled();
  expect(mounted).toEqual([]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
});

it("says so when the views cannot be had", async () => {
  broken = true;
  const { panel } = open("net.onnx");
  await settled();
  expect(panel.node.textContent).toMatch(/could not be shown.*No views\./);
  panel.dispose();
});

it("asks about the file's new name, also when it was renamed while it was being opened", async () => {
  let opened = () => {};
  const ready = new Promise<void>((resolve) => {
    opened = resolve;
  });
  const { context, panel } = open("before.onnx", { ready, isReady: false });
  expect(paths).toEqual(["before.onnx"]);
  // JupyterLab tells of a change whenever it first hears of the file.
  context.tell();
  expect(signals[0]?.aborted).toBe(false);
  context.path = "after.onnx";
  context.tell();
  context.isReady = true;
  opened();
  await settled();
  expect(mounted).toHaveLength(1);
  expect(mounted[0]?.transport.address).toMatchObject({ onnxPath: "after.onnx" });
  expect(paths.at(-1)).toBe("after.onnx");
  expect(signals[0]?.aborted).toBe(true);
  panel.dispose();
});

it.each(["a b/ä&#%.onnx", "RTC:a b/ä&#%.onnx"])("asks for %s as it is called", async (path) => {
  const { panel } = open(path);
  await settled();
  expect(paths).toEqual(["a b/ä&#%.onnx"]);
  panel.dispose();
});

it("shows no file of the server's for one of another drive", async () => {
  const { panel } = open("S3:bucket/net.onnx");
  await settled();
  expect(paths).toEqual([]);
  expect(mounted).toEqual([]);
  expect(panel.node.textContent).toContain("another drive");
  panel.dispose();
});
