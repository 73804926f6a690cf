import { afterEach, beforeEach, expect, it, vi } from "vitest";

/** A worker that starts as a page's does, and writes down what is done to it. */
class Started {
  static readonly all: Started[] = [];
  /** As a page does whose content policy forbids it. */
  static refused = false;
  onmessage: (() => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  readonly sent: unknown[] = [];
  terminated = false;

  constructor(readonly address: string) {
    Started.all.push(this);
    setImmediate(() => {
      if (Started.refused) this.onerror?.({ message: "" });
      else this.onmessage?.();
    });
  }

  postMessage(message: unknown): void {
    this.sent.push(message);
  }

  terminate(): void {
    this.terminated = true;
  }
}

let module: typeof import("./start_worker");

beforeEach(async () => {
  Started.all.length = 0;
  Started.refused = false;
  vi.stubGlobal("Worker", Started);
  vi.resetModules();
  module = await import("./start_worker");
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const warmed = () =>
  vi.waitFor(() => expect(Started.all[0]?.sent).toEqual([{ type: "warm" }]), 10_000);

it("gives away the worker that was started before, once", async () => {
  module.prewarmLayout();
  module.prewarmLayout();
  await warmed();
  const first = await module.startWorker();
  expect(first).toBe(Started.all[0]);
  expect(await module.startWorker()).not.toBe(first);
  expect(Started.all).toHaveLength(2);
  expect(Started.all[1]?.sent).toEqual([]);
  expect(Started.all[0]?.address).toMatch(/^blob:/);
});

it("ends a spare worker that nobody takes, and never one that was taken", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  module.prewarmLayout();
  await vi.waitFor(() => expect(Started.all[0]?.sent).toHaveLength(1), 10_000);
  vi.advanceTimersByTime(module.SPARE_MS);
  await vi.waitFor(() => expect(Started.all[0]?.terminated).toBe(true));
  module.prewarmLayout();
  const taken = await module.startWorker();
  vi.advanceTimersByTime(module.SPARE_MS);
  await Promise.resolve();
  expect(taken).toBe(Started.all[1]);
  expect(Started.all[1]?.terminated).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

it("does not give away a worker that failed while it waited", async () => {
  module.prewarmLayout();
  await warmed();
  Started.all[0]?.onerror?.({ message: "out of memory" });
  expect(await module.startWorker()).toBe(Started.all[1]);
  expect(Started.all[0]?.terminated).toBe(true);
});

it("says what a page has to allow that refuses workers", async () => {
  vi.stubGlobal("Worker", function refuse() {
    throw new DOMException("Failed to construct 'Worker'.", "SecurityError");
  });
  await expect(module.startWorker()).rejects.toThrow(/worker-src blob:.*Failed to construct/);
  vi.stubGlobal("Worker", undefined);
  await expect(module.startWorker()).rejects.toThrow(/has to allow web workers/);
});

it("says so too when the refusal comes as an event, and ends what was begun", async () => {
  Started.refused = true;
  await expect(module.startWorker()).rejects.toThrow(/worker-src blob:\)\.$/);
  expect(Started.all[0]?.terminated).toBe(true);
  // The next attempt is a new one.
  Started.refused = false;
  expect(await module.startWorker()).toBe(Started.all[1]);
});
