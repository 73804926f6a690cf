import { describe, expect, it, vi } from "vitest";
import { GoldenTransport, goldenReply } from "../../test/golden";
import { find, open, seen, usePage } from "../../test/page";
import { type GradientsView, requestKey, type TraceRow, type TracesView } from "../protocol";

vi.mock("plotly.js-cartesian-dist-min", () => ({
  default: { react: () => new Promise(() => {}), relayout: vi.fn(), purge: vi.fn() },
}));

const BORN = "forward/norm#out0";
const CAME = "forward/#out0";
const GRADIENT = "parameter_grad/norm#weight";
const STEP = 6;

const ERRORS = {
  max_abs_error: 0.5,
  max_rel_error: 0.25,
  max_ulp_error: 4096,
  cosine: 0.75,
  mismatched_fraction: 0.125,
  tolerance: 1e-4,
  tolerance_reason: "your tolerance for 'forward/*'",
  noise_floor: 0.05,
  local_abs_error: 0.4,
  local_rel_error: 0.2,
} satisfies Partial<TraceRow>;

usePage();

/** The golden step with a difference that is born at one site and came in at another. */
function openWith(first: string[], own: string[]): void {
  const transport = new GoldenTransport();
  const traces = goldenReply("traces");
  const payload = traces.payload as TracesView;
  const rows = payload.rows.map((row): TraceRow => {
    const origin = own.includes(row.site_id) ? "here" : "inherited";
    const hit = own.includes(row.site_id) || row.site_id === CAME;
    return hit ? { ...row, ...ERRORS, verdict: "divergent", origin } : row;
  });
  const named = { step: STEP, first_divergence: first, first_own_divergence: own };
  transport.answers.set(requestKey("traces", { step: STEP }), {
    payload: { ...payload, ...named, rows },
    buffers: traces.buffers,
  });
  const gradients = goldenReply("gradients");
  transport.answers.set(requestKey("gradients", { step: STEP }), {
    payload: { ...(gradients.payload as GradientsView), ...named },
    buffers: gradients.buffers,
  });
  open(transport);
}

describe("a difference that is born at one site", () => {
  it("is named in the header of Traces, in place of where it first shows", async () => {
    openWith([CAME], [BORN]);
    (await seen("tab-traces")).click();
    const jump = await seen("born-forward");
    expect(jump.textContent).toBe("≠ born in forward at norm");
    expect(find("first-divergence-forward")).toBeNull();
    jump.click();
    const details = await seen("trace-details", `[data-site="${BORN}"]`);
    for (const text of [
      "abs 0.5000",
      "rel 0.2500",
      "allowed 1.00e-4",
      "10× the noise floor",
      "own error 0.2000 born here",
      "off 13 %",
      "ulp 4,096",
      "cosine 0.7500",
      "allowed by your tolerance for 'forward/*'",
    ]) {
      expect(details.textContent).toContain(text);
    }
    const status = find("status-line")?.textContent ?? "";
    expect(status).toContain("born here");
    expect(status).toContain("10× the noise floor");
  });

  it("is marked otherwise than where it first shows, and than where it came in", async () => {
    openWith([CAME], [BORN]);
    (await seen("tab-traces")).click();
    const born = await seen("trace-row", `[data-site="${BORN}"]`);
    const came = await seen("trace-row", `[data-site="${CAME}"]`);
    expect(born.className).toContain("ov-row-born");
    expect(came.className).toContain("ov-row-first");
    expect(born.querySelector(".ov-origin-here")).not.toBeNull();
    expect(came.querySelector(".ov-origin-inherited")).not.toBeNull();
    expect([born.dataset.origin, came.dataset.origin]).toEqual(["here", "inherited"]);
  });

  it("is named in Gradients, and leads to the kind of rows it is among", async () => {
    openWith([], [GRADIENT]);
    (await seen("tab-gradients")).click();
    const box = await seen("gradients");
    const jump = await seen("born-parameter_grad");
    expect(jump.textContent).toBe("≠ born in parameter gradient at norm.weight");
    find("gradient-kind-module_output")?.querySelector("input")?.click();
    await vi.waitFor(() => expect(box.querySelector(`[data-site="${GRADIENT}"]`)).toBeNull());
    jump.click();
    const row = await seen("gradient-row", `[data-site="${GRADIENT}"]`);
    expect(row.className).toContain("ov-row-born");
  });

  it("is unknown where no module was run on ORT's own input: then where it first shows", async () => {
    openWith([CAME], []);
    (await seen("tab-traces")).click();
    const jump = await seen("first-divergence-forward");
    expect(jump.textContent).toBe("≠ first in forward at (root)");
    expect(find("born-forward")).toBeNull();
  });
});
