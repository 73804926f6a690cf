import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { changedSummary, GoldenTransport, golden, goldenReply } from "../../test/golden";
import { TransportError } from "../protocol";
import { DebuggerStore } from "./store";

describe("DebuggerStore", () => {
  let transport: GoldenTransport;
  let store: DebuggerStore;
  let stop: () => void;

  beforeEach(async () => {
    vi.useFakeTimers();
    transport = new GoldenTransport();
    store = new DebuggerStore(transport);
    stop = store.start();
    await vi.advanceTimersByTimeAsync(0);
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
  });

  const push = (change: Record<string, unknown>) =>
    transport.push("summary", {}, changedSummary(change));

  it("follows the newest sampled step until a step is picked, and again when told to", () => {
    expect(store.step.value).toBe(6);
    store.selection.pickStep(2);
    push({ latest_sampled_step: 4, status: "live" });
    expect(store.step.value).toBe(2);
    store.selection.followLatest();
    expect(store.step.value).toBe(4);
  });

  it("lets a sampled step stand for one that was not sampled", () => {
    store.selection.pickStep(3);
    expect(store.step.value).toBe(3);
    expect(store.sampledStep.value).toBe(2);
  });

  it("walks from sampled step to sampled step and stops at the ends", () => {
    store.selection.pickStep(3);
    store.stepBy(1);
    expect(store.step.value).toBe(4);
    store.stepBy(-1);
    store.stepBy(-1);
    store.stepBy(-1);
    expect(store.step.value).toBe(0);
  });

  it("asks again for what grows at most once a second while steps come in", async () => {
    store.cache.watch(store.cache.resource("findings", {}));
    await vi.advanceTimersByTimeAsync(0);
    for (let step = 8; step < 13; step += 1) push({ latest_step: step, status: "live" });
    const count = () => transport.asked.filter((key) => key === "findings?{}").length;
    expect(count()).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(count()).toBe(2);
  });

  it("does not ask for what was pushed in the meantime", async () => {
    store.cache.watch(store.cache.resource("findings", {}));
    await vi.advanceTimersByTimeAsync(0);
    push({ latest_step: 9, status: "live" });
    transport.push("findings", {}, goldenReply("findings"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(transport.asked.filter((key) => key === "findings?{}")).toHaveLength(1);
  });

  it("asks for the summary of a live run that sends nothing, and not of an ended one", async () => {
    const count = () => transport.asked.filter((key) => key === "summary?{}").length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(count()).toBe(1);
    push({ status: "live" });
    transport.answers.set("summary?{}", changedSummary({ status: "live", latest_step: 11 }));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(count()).toBeGreaterThan(1);
    expect(store.summary.data.value?.latest_step).toBe(11);
  });

  it("says what control answered, and why it failed", async () => {
    const reply = {
      payload: { status: "paused", message: "Nothing is sampled now." },
      buffers: [],
    };
    transport.answers.set('control?{"action":"pause"}', reply);
    await store.control("pause");
    expect(store.notice.value).toBe("Nothing is sampled now.");
    vi.spyOn(transport, "request").mockRejectedValueOnce(new TransportError("The run has ended."));
    await store.control("resume");
    expect(store.notice.value).toBe("The run has ended.");
  });

  it("goes where a finding is", () => {
    const finding = golden("findings").rows[0];
    if (finding === undefined) throw new Error("The golden run has no finding.");
    store.selection.goToFinding({
      ...finding,
      module: "norm",
      site_id: "forward/norm#out0",
      view: "traces",
    });
    expect(store.step.value).toBe(finding.first_step);
    expect(store.selection.view.value).toBe("traces");
    expect(store.selection.module.value).toBe("norm");
    expect(store.selection.siteId.value).toBe("forward/norm#out0");
  });

  it("leaves no timer and no listener behind", () => {
    push({ latest_step: 20, status: "live" });
    stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(transport.listeners.size).toBe(0);
  });
});
