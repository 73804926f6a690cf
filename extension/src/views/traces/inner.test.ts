import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import type { TraceRow } from "../../protocol";
import { foldInner, isInner, NOTHING_UNFOLDED, unfolded } from "./inner";
import { itemOfSite, traceItems } from "./rows";

const traces = golden("traces");
const [sample] = traces.rows;
if (sample === undefined) throw new Error("no rows");

function row(direction: "forward" | "backward", module: string, slot: string, call = 0): TraceRow {
  const at = call > 0 ? `@${call}` : "";
  const site_id = `${direction}/${module}${at}#${slot}`;
  return { ...(sample as TraceRow), direction, module, slot, call, site_id };
}

const rows = [
  row("forward", "fc", "out0"),
  row("forward", "fc", "out0", 1),
  row("forward", "", "out0"),
  row("forward", "fc", "MatMul_output_0"),
  row("forward", "fc", "MatMul_output_0", 1),
  row("forward", "", "Relu_output_0"),
  row("forward", "fc", "Add_output_0"),
  row("forward", "gone", "Mul_output_0"),
];
const all = { text: "", divergentOnly: false };
const words = (items: ReturnType<typeof traceItems>) =>
  items.map((item) => {
    if (item.kind === "section") return `${item.count} and ${item.innerCount}`;
    if (item.kind === "fold") return `fold ${item.group.key} ${item.group.rows.length}`;
    return item.row.site_id;
  });

describe("values inside modules", () => {
  it("are folded behind the outputs of the call they belong to", () => {
    expect(words(traceItems(rows, all))).toEqual([
      "3 and 5",
      "forward/fc#out0",
      "fold forward/fc@0 2",
      "forward/fc@1#out0",
      "fold forward/fc@1 1",
      "forward/#out0",
      "fold forward/@0 1",
      "fold forward/gone@0 1",
    ]);
  });

  it("are listed once unfolded, in their order", () => {
    const items = traceItems(rows, all, new Set(["forward/fc@0"]));
    expect(words(items).slice(2, 5)).toEqual([
      "fold forward/fc@0 2",
      "forward/fc#MatMul_output_0",
      "forward/fc#Add_output_0",
    ]);
    expect(traceItems(rows, all, "all").filter(({ kind }) => kind === "site")).toHaveLength(8);
  });

  it("are found by a filter, and by a selection made elsewhere", () => {
    const relu = "forward/#Relu_output_0";
    expect(itemOfSite(traceItems(rows, { ...all, text: "relu" }), relu)).toBeGreaterThan(0);
    expect(itemOfSite(traceItems(rows, all), relu)).toBe(-1);
    const open = unfolded(NOTHING_UNFOLDED, rows, relu);
    expect(itemOfSite(traceItems(rows, all, open), relu)).toBeGreaterThan(0);
    expect(unfolded(NOTHING_UNFOLDED, rows, "forward/fc#out0")).toBe(NOTHING_UNFOLDED);
  });

  it("are told by their slot, in both passes and nowhere else", () => {
    expect(isInner(row("backward", "fc", "MatMul_output_0"))).toBe(true);
    expect(isInner(row("backward", "fc", "out11"))).toBe(false);
    expect(traces.rows.some(isInner)).toBe(false);
    expect(foldInner(traces.rows)).toEqual(traces.rows);
  });
});
