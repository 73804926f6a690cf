import { describe, expect, it } from "vitest";
import { pageTheme } from "../theme";
import { stepText } from "./step_text";
import { markPositions, sparkPath, stepToX, xToStep } from "./strip_scale";
import { tabAfter } from "./tabs";

const SPAN = { first: 0, last: 100 };
const BOX = { width: 200, height: 20 };

describe("steps and pixels", () => {
  it("are each other's inverse", () => {
    for (const step of [0, 1, 33, 99, 100])
      expect(xToStep(stepToX(step, SPAN, 200), SPAN, 200)).toBe(step);
  });

  it("leave room for the whole mark of the first and the last step", () => {
    expect(stepToX(0, SPAN, 200)).toBeGreaterThanOrEqual(5);
    expect(stepToX(100, SPAN, 200)).toBeLessThanOrEqual(195);
  });

  it("stay inside the run however far the pointer is dragged", () => {
    expect(xToStep(-50, SPAN, 200)).toBe(0);
    expect(xToStep(900, SPAN, 200)).toBe(100);
  });

  it("put a run of one step in the middle", () => {
    expect(stepToX(0, { first: 0, last: 0 }, 200)).toBe(100);
  });
});

describe("sparkPath", () => {
  const steps = Int32Array.of(0, 50, 100);
  const ys = (path: string) =>
    [...path.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map((match) => Number(match[1]));

  it("spans the height: the least value at the bottom, the largest on top", () => {
    const values = Float64Array.of(1, 2, 3);
    expect(ys(sparkPath(steps, values, values, SPAN, BOX)).slice(0, 3)).toEqual([20, 10, 0]);
  });

  it("leaves a gap where no loss is finite", () => {
    const values = Float64Array.of(1, Number.NaN, 3);
    const path = sparkPath(steps, values, values, SPAN, BOX);
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path).not.toContain("NaN");
  });

  it("is logarithmic when the loss falls by decades", () => {
    const values = Float64Array.of(100, 10, 1);
    expect(ys(sparkPath(steps, values, values, SPAN, BOX)).slice(0, 3)).toEqual([0, 10, 20]);
  });

  it("draws nothing rather than NaN when nothing is finite, and a constant loss in the middle", () => {
    const nothing = Float64Array.of(Number.NaN, Number.NaN, Number.NaN);
    expect(sparkPath(steps, nothing, nothing, SPAN, BOX)).toBe("");
    const same = Float64Array.of(2, 2, 2);
    expect(ys(sparkPath(steps, same, same, SPAN, BOX)).slice(0, 3)).toEqual([10, 10, 10]);
  });
});

describe("markPositions", () => {
  it("thins marks that would lie on each other, but not of different severity, errors on top", () => {
    const mark = (step: number, severity: "error" | "warning" | "info") => ({ step, severity });
    const marks = [mark(50, "error"), mark(50, "warning"), mark(51, "warning"), mark(90, "info")];
    expect(
      markPositions(marks, SPAN, 200).map(({ step, severity }) => `${severity} ${step}`),
    ).toEqual(["info 90", "warning 50", "error 50"]);
  });
});

describe("stepText", () => {
  it("tells how many steps there are, not the number of the last one", () => {
    expect(stepText(115, { total_steps: null, step_count: 120 })).toBe("step 115 · 120 steps");
    expect(stepText(3, { total_steps: 2_000, step_count: 10 })).toBe("step 3 · 2,000 steps");
    expect(stepText(0, { total_steps: null, step_count: 0 })).toBe("step 0 · 1 step");
  });
});

describe("tabAfter", () => {
  it("goes round in both directions and to the ends", () => {
    expect(tabAfter("findings", "ArrowRight")).toBe("losses");
    expect(tabAfter("losses", "ArrowLeft")).toBe("findings");
    expect(tabAfter("traces", "Home")).toBe("losses");
    expect(tabAfter("traces", "End")).toBe("findings");
    expect(tabAfter("traces", "a")).toBeNull();
  });
});

describe("pageTheme", () => {
  const page = (html: string, body: string) =>
    new DOMParser().parseFromString(`<html ${html}><body ${body}></body></html>`, "text/html");

  it.each([
    ["JupyterLab", "", 'data-jp-theme-light="false"', "dark"],
    ["JupyterLab", "", 'data-jp-theme-light="true"', "light"],
    ["VS Code", "", 'data-vscode-theme-kind="vscode-dark"', "dark"],
    ["Colab", 'theme="dark"', "", "dark"],
  ])("believes %s (%s %s)", (_, html, body, theme) => {
    expect(pageTheme(page(html, body))).toBe(theme);
  });
});
