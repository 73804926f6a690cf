import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { layoutWorker } from "../../../build/layout_worker.js";
import {
  type GraphSpec,
  structureOf,
  ThreadlessWorker,
  testElk,
} from "../../../test/graph/builder";
import { breathe, inSlices } from "../breathe";
import type { LayoutProgress } from "../types";
import { createLayoutEngine } from "./engine";

// ELK's first calls are slow, the more so on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

/** `count` groups that each look different, so that none is known from another. */
function manyGroups(count: number): GraphSpec {
  const nodes: GraphSpec["nodes"] = [];
  const edges: GraphSpec["edges"] = [];
  for (let group = 0; group < count; group += 1) {
    for (let at = 0; at < 4 + group; at += 1) {
      if (nodes.length > 0) edges.push([nodes.length - 1, nodes.length]);
      nodes.push({ group });
    }
  }
  return { groups: Array.from({ length: count }, () => ({})), nodes, edges };
}

const SPEC = manyGroups(12);
const all = new Set(Array.from({ length: 12 }, (_, group) => group));

describe("the layout engine", () => {
  it("answers with pictures, and tells how far it is", async () => {
    const engine = createLayoutEngine(structureOf(SPEC), async () => new ThreadlessWorker());
    const told: LayoutProgress[] = [];
    const picture = await engine.layout(all, undefined, (progress) => told.push(progress));
    expect(picture.items).toHaveLength(12 + SPEC.nodes.length);
    expect(told.at(-1)).toEqual({ done: 13, total: 13 });
    const done = told.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    engine.dispose();
  });

  it("answers two questions at once, each with its own picture", async () => {
    const engine = createLayoutEngine(structureOf(SPEC), async () => new ThreadlessWorker());
    const [closed, open] = await Promise.all([engine.layout(new Set()), engine.layout(all)]);
    expect(closed.items).toHaveLength(12);
    expect(open.items.length).toBeGreaterThan(12);
    engine.dispose();
  });

  it("stops when it is told to, and lays out again", async () => {
    let runs = 0;
    const worker = new ThreadlessWorker((graph) => {
      runs += 1;
      const end = performance.now() + 40;
      while (performance.now() < end);
      testElk()(graph);
    });
    const engine = createLayoutEngine(structureOf(SPEC), async () => worker);
    const stop = new AbortController();
    const asked = engine.layout(all, stop.signal, () => stop.abort());
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    const runsThen = runs;
    expect(runsThen).toBeLessThan(13);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(runs).toBeLessThanOrEqual(runsThen + 1);
    expect(worker.terminated).toBe(false);
    expect((await engine.layout(new Set())).items).toHaveLength(12);
    engine.dispose();
  });

  it("does not begin what was stopped before", async () => {
    const start = vi.fn(async () => new ThreadlessWorker());
    const engine = createLayoutEngine(structureOf(SPEC), start);
    const asked = engine.layout(all, AbortSignal.abort());
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
    expect(start).not.toHaveBeenCalled();
  });

  it("ends a worker that hears nothing, and asks another one what still waits", async () => {
    const workers: ThreadlessWorker[] = [];
    const engine = createLayoutEngine(structureOf(SPEC), async () => {
      const worker = new ThreadlessWorker();
      // The first one is stuck: it takes messages and never answers.
      if (workers.push(worker) === 1) worker.postMessage = () => undefined;
      return worker;
    });
    const stop = new AbortController();
    const stuck = engine.layout(all, stop.signal);
    const waiting = engine.layout(new Set());
    setTimeout(() => stop.abort(), 10);
    await expect(stuck).rejects.toMatchObject({ name: "AbortError" });
    expect((await waiting).items).toHaveLength(12);
    expect(workers.map((worker) => worker.terminated)).toEqual([true, false]);
    engine.dispose();
    expect(workers[1]?.terminated).toBe(true);
  });

  it("says why a layout failed, and goes on", async () => {
    let fails = true;
    const worker = new ThreadlessWorker((graph) => {
      if (fails) throw new Error("ELK could not lay out a group: no reason.");
      testElk()(graph);
    });
    const engine = createLayoutEngine(structureOf(SPEC), async () => worker);
    await expect(engine.layout(new Set())).rejects.toThrow(/ELK could not lay out/);
    fails = false;
    expect((await engine.layout(new Set())).items).toHaveLength(12);
    engine.dispose();
  });

  it("says so when no worker can be started, and tries again", async () => {
    let refused = true;
    const engine = createLayoutEngine(structureOf(SPEC), async () => {
      if (refused) throw new Error("The layout worker did not start: it was refused.");
      return new ThreadlessWorker();
    });
    await expect(engine.layout(new Set())).rejects.toThrow(/did not start/);
    refused = false;
    expect((await engine.layout(new Set())).items).toHaveLength(12);
    engine.dispose();
  });

  it("leaves nobody waiting when the graph is closed", async () => {
    const engine = createLayoutEngine(structureOf(SPEC), async () => new ThreadlessWorker());
    const asked = engine.layout(all);
    engine.dispose();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the worker's text", () => {
  it("is that of ELK and of this source, asks nobody for anything, and runs", async () => {
    const text = gunzipSync(Buffer.from(layoutWorker, "base64")).toString();
    expect(text).toContain("org.eclipse.elk.layered");
    expect(text).not.toMatch(/importScripts|XMLHttpRequest|fetch\(/);
    expect(readFileSync("build/elk.js", "utf8")).toContain("export default function loadElk");
    const sent: { type: string }[] = [];
    const scope = { postMessage: (message: { type: string }) => sent.push(message) };
    new Function("globalThis", "self", text)(Object.assign(Object.create(globalThis), scope));
    expect(sent).toEqual([{ type: "ready" }]);
  });
});

describe("work in slices", () => {
  it("lets others have a turn, and stops at a signal", async () => {
    const stop = new AbortController();
    let steps = 0;
    const work = inSlices(
      100_000,
      () => {
        steps += 1;
        const end = performance.now() + 0.2;
        while (performance.now() < end);
      },
      stop.signal,
    );
    await breathe();
    stop.abort();
    await expect(work).rejects.toMatchObject({ name: "AbortError" });
    expect(steps).toBeLessThan(1000);
  });
});
