import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { dtypeText, nonfiniteText, shapeText, statusText } from "./columns";
import {
  countVerdicts,
  hookTimes,
  itemOfModule,
  itemOfSite,
  itemWithin,
  SECTIONS,
  traceItems,
} from "./rows";

const traces = golden("traces");
const all = { text: "", divergentOnly: false };

describe("traceItems", () => {
  it("lists every site once, in sections, each in the order it came in", () => {
    const items = traceItems(traces.rows, all);
    const sites = items.flatMap((item) => (item.kind === "site" ? [item.row] : []));
    expect(sites).toHaveLength(traces.rows.length);
    const headings = items.flatMap((item) => (item.kind === "section" ? [item.direction] : []));
    const order = SECTIONS.map(({ direction }) => direction);
    expect(headings).toEqual(order.filter((direction) => headings.includes(direction)));
    for (const direction of headings) {
      const ids = (rows: typeof sites) =>
        rows.filter((row) => row.direction === direction).map((row) => row.site_id);
      expect(ids(sites)).toEqual(ids(traces.rows));
    }
  });

  it("filters by all words at once, in any of module, type, slot and value", () => {
    const row = traces.rows.find(({ module }) => module !== "");
    if (row === undefined) throw new Error("no module");
    const text = `${row.module_type.toUpperCase()} ${row.module}`;
    const items = traceItems(traces.rows, { text, divergentOnly: false });
    expect(itemOfSite(items, row.site_id)).toBeGreaterThan(0);
    expect(traceItems(traces.rows, { text: `${text} nonsense`, divergentOnly: false })).toEqual([]);
  });

  it("keeps only divergent sites when asked, without empty sections", () => {
    const items = traceItems(traces.rows, { text: "", divergentOnly: true });
    const { divergent } = countVerdicts(traces.rows);
    expect(items.filter((item) => item.kind === "site")).toHaveLength(divergent);
    expect(items.every((item) => item.kind !== "section" || item.count > 0)).toBe(true);
  });

  it("finds a module by its forward output first", () => {
    const items = traceItems(traces.rows, all);
    const item = items[itemOfModule(items, "norm")];
    expect(item?.kind === "site" && item.row.site_id).toBe("forward/norm#out0");
    expect(itemOfModule(items, "no.such.module")).toBe(-1);
    expect(itemOfModule(items, null)).toBe(-1);
  });

  it("finds a container without a site of its own by what is inside it", () => {
    const inside = traces.rows.map((row) => ({ ...row, module: `blocks.${row.module}` }));
    const items = traceItems(inside, all);
    expect(itemOfModule(items, "blocks")).toBe(-1);
    const item = items[itemWithin(items, "blocks")];
    expect(item?.kind === "site" && item.row.direction).toBe("forward");
    expect(itemWithin(items, "block")).toBe(-1);
  });
});

describe("hookTimes", () => {
  it("are those of the module's own call, pre hooks left out", () => {
    const hook = (kind: string, module: string, call: number, duration_secs: number | null) => ({
      order: 0,
      kind,
      module,
      call,
      duration_secs,
    });
    const hooks = [
      hook("forward_pre", "norm", 0, null),
      hook("forward", "norm", 0, 0.0003),
      hook("forward", "norm", 1, 0.5),
      hook("forward", "fc", 0, 0.5),
      hook("full_backward", "norm", 0, 0.002),
    ];
    const row = traces.rows.find(({ site_id }) => site_id === "forward/norm#out0");
    expect(row && hookTimes(hooks, row)).toEqual(["forward 300 µs", "backward 2.00 ms"]);
  });
});

describe("cells", () => {
  const row = traces.rows[0];
  if (row === undefined) throw new Error("no rows");

  it("say both shapes and dtypes where the sides disagree", () => {
    const other = { ...row.candidate, shape: [9], dtype: "float16", status: "captured" as const };
    const changed = {
      ...row,
      reference: { ...row.reference, status: "captured" as const },
      candidate: other,
    };
    expect(shapeText(changed)).toMatch(/^\(.*\) → \(9,\)$/);
    expect(dtypeText(changed)).toBe(`${row.reference.dtype} → float16`);
  });

  it("say why there are no numbers instead of leaving blanks", () => {
    const missing = { ...row.candidate, status: "fused_away" as const };
    expect(statusText(missing)).toBe("fused away");
    expect(shapeText({ ...row, reference: missing, candidate: missing })).toBe("–");
    expect(statusText(row.reference)).toBe("");
  });

  it("count NaN apart from infinities", () => {
    expect(nonfiniteText({ ...row.reference, nan_count: 3, inf_count: 12_345 })).toBe(
      "3 NaN 12.3k ∞",
    );
    expect(nonfiniteText({ ...row.reference, nan_count: 0, inf_count: 0 })).toBe("0");
  });
});
