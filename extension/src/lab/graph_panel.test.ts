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
  readonly isReady = true;
  readonly ready = Promise.resolve();
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

beforeEach(() => {
  mounted.length = 0;
  signals = [];
  broken = false;
  vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
});

function open(path: string) {
  const context = new FileContext(path);
  const panel = new GraphPanel(
    context as unknown as DocumentRegistry.Context,
    { localPath: (given: string) => given } as Contents.IManager,
    { baseUrl: "http://localhost/" } as ServerConnection.ISettings,
  );
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
