import { afterEach, expect, it, vi } from "vitest";
import { structureOf, ThreadlessWorker } from "../../../test/graph/builder";
import { createLayoutEngine } from "./engine";
import { layoutInput } from "./input";
import { IDLE_MS, WorkerLink } from "./worker_link";

vi.setConfig({ testTimeout: 30_000 });

const structure = structureOf({
  groups: [{}],
  nodes: [{ group: 0 }, { group: 0 }],
  edges: [[0, 1]],
});

afterEach(() => {
  vi.useRealTimers();
});

function workers(): { made: ThreadlessWorker[]; start: () => Promise<ThreadlessWorker> } {
  const made: ThreadlessWorker[] = [];
  const start = async () => {
    const worker = new ThreadlessWorker();
    made.push(worker);
    return worker;
  };
  return { made, start };
}

it("ends a worker that has nothing to do, and starts another when there is", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { made, start } = workers();
  const engine = createLayoutEngine(structure, start);
  await engine.layout(new Set());
  vi.advanceTimersByTime(IDLE_MS - 1000);
  await engine.layout(new Set([0]));
  vi.advanceTimersByTime(IDLE_MS - 1000);
  expect(made.map(({ terminated }) => terminated)).toEqual([false]);
  vi.advanceTimersByTime(1000);
  expect(made.map(({ terminated }) => terminated)).toEqual([true]);
  expect((await engine.layout(new Set([0]))).items).toHaveLength(3);
  expect(made.map(({ terminated }) => terminated)).toEqual([true, false]);
  engine.dispose();
  expect(vi.getTimerCount()).toBe(0);
});

it("does not end a worker that still works", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { made, start } = workers();
  const link = new WorkerLink(() => layoutInput(structure), start);
  const asked = new Promise((resolve, reject) => {
    link.ask({ open: Int32Array.of(0), resolve, reject, onProgress: () => {} });
  });
  vi.advanceTimersByTime(IDLE_MS * 3);
  await asked;
  expect(made.map(({ terminated }) => terminated)).toEqual([false]);
  link.dispose();
});

it("leaves no worker behind when a graph cannot be prepared", async () => {
  const { made, start } = workers();
  const link = new WorkerLink(() => Promise.reject(new Error("No room.")), start);
  const asked = new Promise((resolve, reject) => {
    link.ask({ open: new Int32Array(), resolve, reject, onProgress: () => {} });
  });
  await expect(asked).rejects.toThrow("No room.");
  expect(made.map(({ terminated }) => terminated)).toEqual([true]);
});

it("leaves no worker behind when it is closed while that starts, and refuses what comes later", async () => {
  const { made, start } = workers();
  const engine = createLayoutEngine(structure, start);
  const asked = engine.layout(new Set());
  engine.dispose();
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  await vi.waitFor(() => expect(made.map(({ terminated }) => terminated)).toEqual([true]));
  await expect(engine.layout(new Set())).rejects.toMatchObject({ name: "AbortError" });
  expect(made).toHaveLength(1);
});
