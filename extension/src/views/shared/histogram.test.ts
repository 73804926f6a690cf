import { describe, expect, it } from "vitest";
import histograms from "../../../../tests/contract/golden/histograms.json";
import histogramsNan from "../../../../tests/contract/golden/histograms_nan.json";
import { type Answer, decodeReply } from "../../protocol";
import { histogramFrame, histogramPath, histogramTitle, siteHistograms } from "./histogram";

interface Golden {
  payload: unknown;
  buffers: string[];
}

function decoded(golden: Golden): Answer<"histograms"> {
  const buffers = golden.buffers.map((text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return bytes.buffer as ArrayBuffer;
  });
  return decodeReply("histograms", { payload: golden.payload, buffers });
}

const SITE = "forward/head#out0";

describe("histograms", () => {
  it("are found by site, each with its own bins", () => {
    const found = siteHistograms(decoded(histograms), SITE);
    expect(found.map((each) => [each.side, each.low, each.high])).toEqual([
      ["reference", -0.5, 1.5],
      ["candidate", -0.25, 1.5],
    ]);
    expect(Array.from(found[1]?.counts ?? []).slice(0, 9)).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 0]);
    expect(siteHistograms(decoded(histograms), "forward/norm#out0")).toEqual([]);
  });

  it("share a range and a height", () => {
    const found = siteHistograms(decoded(histograms), SITE);
    const frame = histogramFrame(found);
    expect(frame).toEqual({ low: -0.5, high: 1.5, peak: 14 });
    if (frame === null || found[1] === undefined) throw new Error("nothing found");
    const path = histogramPath(found[1], frame, 128, 30);
    // It begins where ORT's elements begin, an eighth into eager's range, on the ground.
    expect(path.startsWith("M16 30V30H17.8V25.7")).toBe(true);
    expect(path.endsWith("H128V30")).toBe(true);
    expect(histogramTitle(found)).toContain("ORT: 448 elements from −0.2500 to 1.500 in 64 bins");
  });

  it("of nothing finite are not drawn, and said", () => {
    const found = siteHistograms(decoded(histogramsNan), SITE);
    expect(histogramFrame(found)).toBeNull();
    expect(histogramTitle(found)).toBe("ORT: no finite element in 64 bins, 12 not finite");
  });

  it("of equal elements are one bar in the middle", () => {
    const same = { side: "candidate" as const, low: 2, high: 2, counts: [5, 0], nonfinite: 0 };
    const frame = histogramFrame([same]);
    expect(frame).toEqual({ low: 2, high: 2, peak: 5 });
    expect(histogramPath(same, { low: 2, high: 2, peak: 5 }, 100, 20)).toBe("M49 20V0h2V20");
  });
});
