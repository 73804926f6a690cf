import { describe, expect, it } from "vitest";
import {
  cosineText,
  errorLines,
  errorParts,
  floorsText,
  originWord,
  type SiteErrors,
  shareText,
} from "./errors";

const nothing: SiteErrors = {
  max_abs_error: null,
  max_rel_error: null,
  max_ulp_error: null,
  cosine: null,
  mismatched_fraction: null,
  tolerance: null,
  tolerance_reason: "",
  noise_floor: null,
  origin: "unknown",
  local_abs_error: null,
  local_rel_error: null,
};

describe("originWord", () => {
  it.each([
    ["divergent", "here", "born here"],
    ["rounding", "here", "born here"],
    ["divergent", "inherited", "came in"],
    ["rounding", "inherited", ""],
    ["divergent", "unknown", ""],
  ] as const)("%s, %s: %s", (verdict, origin, word) => {
    expect(originWord(verdict, origin)).toBe(word);
  });
});

describe("floorsText", () => {
  it.each([
    [12e-6, 1e-6, "12× the noise floor"],
    [3.14159e-6, 1e-6, "3.1× the noise floor"],
    [1, 1e-3, "1,000× the noise floor"],
    [1, 1e-9, "1.00e9× the noise floor"],
    [1e-7, 1e-6, "within the noise floor"],
    [1e-6, 0, ""],
    [1e-6, null, ""],
    [0, 1e-6, ""],
    ["Infinity", 1e-6, ""],
  ] as const)("%s of %s: %s", (max_abs_error, noise_floor, text) => {
    expect(floorsText({ ...nothing, max_abs_error, noise_floor })).toBe(text);
  });
});

describe("cosineText", () => {
  it.each([
    [1, "1"],
    [0.99999977, "1 − 2.3e-7"],
    [0.75, "0.7500"],
    [-1, "−1"],
    [null, ""],
  ] as const)("%s: %s", (cosine, text) => {
    expect(cosineText({ ...nothing, cosine })).toBe(text);
  });
});

describe("shareText", () => {
  it.each([
    [0, "none"],
    [1e-6, "< 0.01 %"],
    [0.0031, "0.31 %"],
    [0.125, "13 %"],
    [1, "100 %"],
  ])("%s: %s", (share, text) => {
    expect(shareText(share)).toBe(text);
  });
});

describe("errorParts", () => {
  it("says nothing of what was not measured", () => {
    expect(errorParts(nothing)).toEqual([]);
  });

  it("has everything that was, and why so much is allowed", () => {
    const row: SiteErrors = {
      max_abs_error: 0.5,
      max_rel_error: 0.25,
      max_ulp_error: 2_097_152,
      cosine: 0.75,
      mismatched_fraction: 0.125,
      tolerance: 1e-4,
      tolerance_reason: "rounding of float32",
      noise_floor: 0.05,
      origin: "here",
      local_abs_error: 0.4,
      local_rel_error: 0.2,
    };
    expect(errorLines(row).split("\n")).toEqual([
      "abs 0.5000",
      "rel 0.2500",
      "allowed 1.00e-4",
      "10× the noise floor",
      "own error 0.2000 born here",
      "off 13 %",
      "ulp 2.10M",
      "cosine 0.7500",
    ]);
    const titles = errorParts(row).map(({ title }) => title);
    expect(titles.some((title) => title.endsWith("by rounding of float32"))).toBe(true);
    expect(titles.some((title) => title.includes("Noise floor 0.0500"))).toBe(true);
  });
});
