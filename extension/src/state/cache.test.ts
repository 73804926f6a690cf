import { describe, expect, it, vi } from "vitest";
import { changedSummary, GoldenTransport, goldenReply } from "../../test/golden";
import { RequestCache } from "./cache";

const settle = () => new Promise((resolve) => setTimeout(resolve));

describe("RequestCache", () => {
  it("asks a question once however many wait for it, whatever the order of parameters", async () => {
    const transport = new GoldenTransport();
    const cache = new RequestCache(transport);
    const first = cache.resource("masked_elements", { loss: "mape", step: 3 });
    const second = cache.resource("masked_elements", { step: 3, loss: "mape" });
    expect(second).toBe(first);
    await Promise.all([cache.load(first), cache.load(second)]);
    expect(transport.asked).toEqual(['masked_elements?{"loss":"mape","step":3}']);
  });

  it("keeps the old answer while a new one is on its way, and after a failure", async () => {
    const transport = new GoldenTransport();
    const cache = new RequestCache(transport);
    const summary = cache.resource("summary", {});
    await cache.load(summary);
    const loading = cache.load(summary);
    expect(summary.data.value?.step_count).toBe(8);
    expect(summary.loading.value).toBe(true);
    await loading;
    transport.failure = "The kernel died.";
    await cache.load(summary);
    expect(summary.data.value?.step_count).toBe(8);
    expect(summary.error.value).toBe("The kernel died.");
    expect(summary.stale).toBe(true);
  });

  it("asks again only for what is watched", async () => {
    const transport = new GoldenTransport();
    const cache = new RequestCache(transport);
    const stop = cache.watch(cache.resource("findings", {}));
    cache.resource("graphs", {});
    await settle();
    cache.markStale(["findings", "graphs"]);
    cache.refreshStale();
    await settle();
    expect(transport.asked).toEqual(["findings?{}", "findings?{}"]);
    stop();
    stop();
    cache.invalidate(["findings"]);
    expect(transport.asked).toHaveLength(2);
  });

  it("takes a pushed answer without asking, and an older request does not stay stale", async () => {
    const transport = new GoldenTransport();
    const cache = new RequestCache(transport);
    cache.put("summary", {}, changedSummary({ step_count: 99 }));
    const summary = cache.resource("summary", {});
    cache.watch(summary);
    expect(summary.data.value?.step_count).toBe(99);
    expect(transport.asked).toEqual([]);
  });

  it("stays bounded: unwatched answers go, the oldest first; watched ones stay", async () => {
    const cache = new RequestCache(new GoldenTransport());
    const kept = cache.resource("traces", { step: 2 });
    cache.watch(kept);
    await settle();
    for (let step = 100; step < 400; step += 1) {
      cache.put("gradients", { step }, goldenReply("gradients"));
    }
    expect(cache.size).toBeLessThan(60);
    expect(cache.resource("traces", { step: 2 })).toBe(kept);
    expect(cache.resource("gradients", { step: 399 }).data.value).not.toBeNull();
    expect(cache.resource("gradients", { step: 100 }).data.value).toBeNull();
  });

  it("turns an answer it cannot read into an error, not an exception", async () => {
    const transport = new GoldenTransport();
    transport.answers.set("losses?{}", { ...goldenReply("losses"), buffers: [] });
    const cache = new RequestCache(transport);
    const losses = cache.resource("losses", {});
    await vi.waitFor(() => cache.load(losses));
    expect(losses.data.value).toBeNull();
    expect(losses.error.value).toMatch(/buffer/);
  });
});
