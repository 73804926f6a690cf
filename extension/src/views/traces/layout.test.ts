import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { traceLayout } from "./layout";

const { rows } = golden("traces");
const keys = (width: number) => traceLayout(rows, width).stats.map(({ key }) => key);

describe("traceLayout", () => {
  it("has every column where there is room, and no more than the site grows", () => {
    const wide = traceLayout(rows, 1_600);
    expect(wide).toMatchObject({ verdict: true, shape: true, dtype: true });
    expect(wide.stats).toHaveLength(4);
    expect(wide.width).toBeLessThanOrEqual(1_600);
  });

  it("gives up the word, deviation, mean and types in this order, never what differs", () => {
    const seen = new Set<string>();
    for (let width = 1_600; width > 300; width -= 10) {
      const { stats, verdict, shape, dtype, relative } = traceLayout(rows, width);
      const has = (key: string) => stats.some((column) => column.key === key);
      expect(has("minimum") && has("maximum")).toBe(true);
      if (!has("mean")) expect(has("std")).toBe(false);
      if (!has("std")) expect(verdict).toBe(false);
      if (!shape) expect(has("mean") || dtype).toBe(false);
      if (!relative) expect(shape).toBe(false);
      seen.add([has("std"), has("mean"), dtype, verdict, shape, relative].join());
    }
    expect(seen.size).toBe(7);
    expect(keys(300)).toEqual(["minimum", "maximum"]);
  });

  it("shows every statistic in JupyterLab in a window of 1,400 px", () => {
    expect(keys(1_220)).toEqual(["minimum", "maximum", "mean", "std"]);
  });

  it("fits every width from 640 px on", () => {
    for (let width = 640; width < 1_800; width += 7) {
      expect(traceLayout(rows, width).width).toBeLessThanOrEqual(width);
    }
  });

  it("has room for the longest shape and the longest count", () => {
    const template = (changed: typeof rows) => traceLayout(changed, 2_000).width;
    const [row] = rows;
    if (row === undefined) throw new Error("no row");
    const shape = [16, 128, 1_024, 1_024];
    const longer = { ...row, reference: { ...row.reference, shape, nan_count: 18_400 } };
    longer.candidate = { ...row.candidate, shape };
    expect(template([longer])).toBeGreaterThan(template([row]) + 60);
  });
});
