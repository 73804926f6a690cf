import { describe, expect, it } from "vitest";
import type { ModuleRow } from "../protocol";
import { ancestorNames, buildModuleTree, isWithin, visibleModules } from "./modules";
import { indexAtOrBefore, neighbourStep, sampledStepFor } from "./steps";

describe("sampled steps", () => {
  const steps = Int32Array.of(0, 10, 20, 35);

  it.each([
    [-1, -1],
    [0, 0],
    [9, 0],
    [10, 1],
    [99, 3],
  ])("finds the last one at or before %i", (step, index) => {
    expect(indexAtOrBefore(steps, step)).toBe(index);
  });

  it("stands in with the one before, at the start with the first", () => {
    expect(sampledStepFor(steps, 34)).toBe(20);
    expect(sampledStepFor(steps, -5)).toBe(0);
    expect(sampledStepFor(new Int32Array(), 3)).toBeNull();
  });

  it("goes to the neighbour, from between two steps to the nearer in that direction", () => {
    expect(neighbourStep(steps, 20, 1)).toBe(35);
    expect(neighbourStep(steps, 20, -1)).toBe(10);
    expect(neighbourStep(steps, 25, -1)).toBe(20);
    expect(neighbourStep(steps, 25, 1)).toBe(35);
    expect(neighbourStep(steps, 35, 1)).toBeNull();
    expect(neighbourStep(steps, 0, -1)).toBeNull();
  });
});

describe("modules", () => {
  const row = (name: string, parameter_count = 0): ModuleRow => ({
    name,
    type_name: name === "" ? "Net" : "Linear",
    parameter_count,
    source: "",
    hooks: [],
  });
  const root = buildModuleTree(["", "a", "a.b", "a.b.c", "ab", "x.y"].map((name) => row(name, 1)));

  it("nests by names and sums parameters; a missing parent does not lose its child", () => {
    expect(root?.children.map((child) => child.row.name)).toEqual(["a", "ab", "x.y"]);
    expect(root?.children.at(-1)?.label).toBe("x.y");
    expect(root?.totalParameterCount).toBe(6);
    expect(root?.children[0]?.totalParameterCount).toBe(3);
    expect(root?.label).toBe("Net");
  });

  it("shows children of open modules only", () => {
    if (root === null) throw new Error("no tree");
    const names = (open: string[]) =>
      visibleModules(root, new Set(open)).map((node) => node.row.name);
    expect(names([])).toEqual([""]);
    expect(names(["", "a"])).toEqual(["", "a", "a.b", "ab", "x.y"]);
    expect(names(["a"])).toEqual([""]);
  });

  it("knows what is inside what by whole names", () => {
    expect(isWithin("a.b", "a")).toBe(true);
    expect(isWithin("ab", "a")).toBe(false);
    expect(isWithin("a", "")).toBe(true);
    expect(isWithin(null, "")).toBe(false);
    expect(ancestorNames("a.b.c")).toEqual(["a.b", "a", ""]);
  });
});
