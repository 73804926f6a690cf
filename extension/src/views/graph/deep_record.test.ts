import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { isDeep, likelySteps } from "./deep_record";

describe("steps that were looked into deeply", () => {
  it("are told by what they say of errors of their own", () => {
    expect(isDeep(golden("traces"))).toBe(true);
    expect(isDeep(golden("traces", "traces_nan"))).toBe(false);
  });

  it("are looked for near by, where findings begin, and where they are due", () => {
    const sampled = Int32Array.from({ length: 200 }, (_, index) => index * 2);
    const likely = likelySteps(sampled, [250, 251], 300);
    expect(likely.slice(0, 8)).toEqual([298, 302, 296, 304, 294, 306, 292, 308]);
    // The first that a finding is of, the 100th, the 10th and the first of all.
    expect(likely.slice(8)).toEqual([250, 198, 18, 0]);
    expect(likelySteps(sampled, [], 0).slice(0, 3)).toEqual([2, 4, 6]);
    expect(likelySteps(Int32Array.of(4), [4], 4)).toEqual([]);
    const many = Array.from({ length: 400 }, (_, step) => step);
    expect(likelySteps(sampled, many, 300)).toHaveLength(12);
  });
});
