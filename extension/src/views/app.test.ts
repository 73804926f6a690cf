import { beforeEach, describe, expect, it, vi } from "vitest";
import { changedSummary, GoldenTransport, golden, goldenReply } from "../../test/golden";
import { element, find, open, seen, unmount, usePage } from "../../test/page";
import type { FindingsView, GraphsView } from "../protocol";

vi.mock("plotly.js-cartesian-dist-min", () => ({
  default: { react: () => new Promise(() => {}), relayout: vi.fn(), purge: vi.fn() },
}));

usePage();

describe("the debugger on a recorded run", () => {
  let transport: GoldenTransport;
  beforeEach(() => {
    transport = new GoldenTransport();
    open(transport);
  });

  it("shows the name as text, the step, and how many findings there are", async () => {
    await seen("finding-counts");
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("sunspots <b>&</b>"));
    expect(element.querySelector("b")).toBeNull();
    expect(find("current-step")?.textContent).toBe("step 6 · 8 steps");
    expect(find("run-status")?.dataset.status).toBe("ended");
    expect(find("eager-only")).toBeNull();
    expect(find("live-toggle")).toBeNull();
  });

  it("says so when there is no ONNX Runtime in the run", async () => {
    await seen("finding-counts");
    const run = goldenReply("run");
    const change = { engine: "eager", engine_reason: "No compiler was found." };
    transport.push("run", {}, { ...run, payload: { ...(run.payload as object), ...change } });
    expect((await seen("eager-only")).title).toBe("No compiler was found.");
  });

  it("draws the loss of a run without ONNX Runtime as eager's", async () => {
    await seen("finding-counts");
    expect(element.querySelector(".ov-spark-candidate")).not.toBeNull();
    const run = goldenReply("run");
    const payload = { ...(run.payload as object), engine: "eager" };
    transport.push("run", {}, { ...run, payload });
    await vi.waitFor(() => expect(element.querySelector(".ov-spark-reference")).not.toBeNull());
    expect((await seen("readout-mae")).querySelector(".ov-fill-candidate")).toBeNull();
  });

  it("shows the note where no loss was seen, not empty lanes", async () => {
    await seen("loss-readout");
    const { payload, buffers } = goldenReply("losses");
    const note = "No loss was seen: a loss written as an expression is not.";
    const none = { ...(payload as object), series: [], marks: [], notes: [note] };
    transport.push("losses", {}, { payload: none, buffers });
    expect((await seen("empty")).textContent).toContain(note);
    expect(find("loss-plot")).toBeNull();
  });

  it("leads nowhere from a finding that is shown where it is", async () => {
    (await seen("tab-findings")).click();
    await seen("finding-row");
    const before = element.querySelectorAll('[data-testid="finding-go"]').length;
    const { payload, buffers } = goldenReply("findings");
    const { rows, problems } = payload as FindingsView;
    const changed = rows.map((row, i) => (i === 0 ? { ...row, view: "findings" } : row));
    transport.push("findings", {}, { payload: { rows: changed, problems }, buffers });
    await vi.waitFor(() =>
      expect(element.querySelectorAll('[data-testid="finding-go"]')).toHaveLength(before - 1),
    );
  });

  it("keeps JupyterLab from taking its arrow keys", async () => {
    const strip = await seen("step-strip");
    expect(strip.closest("[data-lm-suppress-shortcuts]")).not.toBeNull();
  });

  it("asks for the nodes again when ORTModule has exported again", async () => {
    (await seen("tab-graph")).click();
    (await seen("graph-shape-list")).querySelector("input")?.click();
    await seen("node-row");
    const count = () => transport.asked.filter((key) => key.startsWith("graph_nodes")).length;
    expect(count()).toBe(1);
    const { payload, buffers } = goldenReply("graphs");
    const { stages, notes } = payload as GraphsView;
    const again = stages.map((row) => ({ ...row, export_index: row.export_index + 1 }));
    transport.push("graphs", {}, { payload: { stages: again, notes }, buffers });
    await vi.waitFor(() => expect(count()).toBe(2));
  });

  it("asks nothing for a view before it is opened", async () => {
    await seen("loss-readout");
    expect(transport.asked.some((key) => /^(traces|gradients|graphs)/.test(key))).toBe(false);
    (await seen("tab-graph")).click();
    await seen("module-item", '[data-module="norm"]');
    expect(transport.asked).toContain("graphs?{}");
  });

  it("keeps one panel open and says so to assistive technology", async () => {
    (await seen("tab-findings")).click();
    await seen("finding-row");
    expect(find("tab-findings")?.getAttribute("aria-selected")).toBe("true");
    expect(find("tab-losses")?.getAttribute("aria-selected")).toBe("false");
    expect(find("panel-losses")?.hidden).toBe(true);
    expect(find("panel-findings")?.hidden).toBe(false);
  });

  it("goes to the step and the view of a finding", async () => {
    (await seen("tab-findings")).click();
    const [finding] = golden("findings").rows;
    (await seen("finding-go")).click();
    await vi.waitFor(() => {
      expect(find("current-step")?.textContent).toContain(`step ${finding?.first_step} `);
      expect(find(`panel-${finding?.view}`)?.hidden).toBe(false);
    });
  });

  it("follows a module through all views", async () => {
    (await seen("tab-graph")).click();
    (await seen("module-item", '[data-module="norm"]')).click();
    const stepStrip = await seen("step-strip");
    stepStrip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    stepStrip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    await vi.waitFor(() => expect(find("current-step")?.textContent).toContain("step 2 "));
    (await seen("tab-traces")).click();
    const row = await seen("trace-row", '[data-site="forward/norm#out0"]');
    expect(row.getAttribute("aria-selected")).toBe("true");
    await vi.waitFor(() => expect(find("status-line")?.textContent).toContain("norm"));
    (await seen("tab-gradients")).click();
    await vi.waitFor(() =>
      expect(element.querySelector('[data-testid="gradient-row"].ov-lit')).not.toBeNull(),
    );
  });

  it("selects a site by click and by keyboard, skipping headings", async () => {
    const strip = await seen("step-strip");
    strip.dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
    strip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    (await seen("tab-traces")).click();
    const table = await seen("traces-table");
    table.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    const first = golden("traces").rows[0]?.site_id;
    await vi.waitFor(() => expect(find("trace-details")?.dataset.site).toBe(first));
    const last = [...element.querySelectorAll<HTMLElement>('[data-testid="trace-row"]')].at(-1);
    last?.click();
    await vi.waitFor(() => expect(find("trace-details")?.dataset.site).toBe(last?.dataset.site));
  });

  it("shows gradients without a number as words, not as blanks", async () => {
    const strip = await seen("step-strip");
    strip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    (await seen("tab-gradients")).click();
    const row = await seen("gradient-row", '[data-state="nan"]');
    expect(row.textContent).toContain("NaN");
  });

  it("says why a step cannot be shown, in the words of whoever refused", async () => {
    (await seen("tab-traces")).click();
    expect((await seen("failure")).textContent).toContain('Nothing answers traces?{"step":6}.');
  });

  it("takes everything away again", async () => {
    await seen("loss-readout");
    unmount();
    expect(element.childNodes).toHaveLength(0);
    expect(transport.listeners.size).toBe(0);
  });
});

describe("the debugger before the first step", () => {
  beforeEach(() => open(new GoldenTransport("waiting")));

  it("says in every view what to do next", async () => {
    for (const view of ["losses", "graph", "traces", "gradients"]) {
      (await seen(`tab-${view}`)).click();
      await vi.waitFor(() => {
        const empty = find(`panel-${view}`)?.querySelector('[data-testid="empty"]');
        expect(empty?.textContent, view).toMatch(/train|training|wrapped|known/i);
      });
    }
    (await seen("tab-findings")).click();
    expect((await seen("no-findings")).textContent).toContain("Nothing has been checked yet");
  });
});

describe("the debugger on a live run", () => {
  const live = () => {
    const transport = new GoldenTransport();
    transport.answers.set("summary?{}", changedSummary({ status: "live" }));
    return transport;
  };

  it("follows, stays at a step that was picked, and follows again", async () => {
    const transport = live();
    open(transport);
    const toggle = await seen("live-toggle");
    expect(toggle.getAttribute("aria-pressed")).toBe("true");
    (await seen("previous-step")).click();
    await vi.waitFor(() => expect(toggle.getAttribute("aria-pressed")).toBe("false"));
    const later = { status: "live", latest_step: 7, latest_sampled_step: 6 };
    transport.push("summary", {}, changedSummary(later));
    expect(find("current-step")?.textContent).toContain("step 4 ");
    toggle.click();
    await vi.waitFor(() => expect(find("current-step")?.textContent).toContain("step 6 "));
  });

  it("offers control only where somebody can obey; elsewhere it says who trains, and goes on", async () => {
    const transport = live();
    open(transport);
    await seen("pause-resume");
    expect(find("trained-elsewhere")).toBeNull();
    unmount();
    Object.assign(transport, { controllable: false });
    open(transport);
    const words = await seen("trained-elsewhere");
    expect(words.textContent).toBe("training in another kernel; shown as of step 7");
    expect(find("live-toggle")?.textContent).not.toContain("live");
    expect(find("pause-resume")).toBeNull();
    expect(find("sample-next")).toBeNull();
    transport.push("summary", {}, changedSummary({ status: "paused", latest_step: 1_234 }));
    await vi.waitFor(() =>
      expect(find("trained-elsewhere")?.textContent).toBe(
        "training without sampling in another kernel; shown as of step 1,234",
      ),
    );
    transport.push("summary", {}, changedSummary({ status: "ended" }));
    await vi.waitFor(() => expect(find("trained-elsewhere")).toBeNull());
  });
});

describe("the debugger without an answer", () => {
  it("says what failed and tries again when told to", async () => {
    const transport = new GoldenTransport();
    transport.failure = "The run's file is gone.";
    open(transport);
    expect((await seen("failure")).textContent).toContain("The run's file is gone.");
    transport.failure = null;
    find("failure")?.querySelector("button")?.click();
    await vi.waitFor(() => expect(find("failure")).toBeNull());
  });
});
