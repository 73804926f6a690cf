import { describe, expect, it } from "vitest";
import { GoldenTransport, golden } from "../../../test/golden";
import { RequestCache } from "../../state";
import type { Palette } from "../shared/palette";
import { lossesFigure } from "./figure";
import { laneDomain, layoutLanes, mapRowAt, niceAtLeast, stepRange } from "./lanes";
import { cellText, mapTrace } from "./map_trace";
import { maskedStep } from "./masked_step";
import {
  anythingMasked,
  forLogAxis,
  mainLoss,
  markAt,
  marksAt,
  maskedAt,
  masksKnown,
  shownLosses,
  ticksWithZero,
  unmarkedText,
  valueAt,
  zeroFloor,
} from "./series";
import { rangeText, toggled } from "./toolbar";

const palette: Palette = {
  reference: "blue",
  candidate: "orange",
  referenceBand: "sky",
  candidateBand: "peach",
  look: "red",
  ink: "black",
  muted: "grey",
  grid: "silver",
  surface: "white",
  font: "sans",
  kindScale: [
    [0, "red"],
    [0.5, "pink"],
    [1, "purple"],
  ],
};
const needs = {
  losses: ["mae", "mape", "smape"] as const,
  main: "mape" as const,
  mapRows: 3,
  showMasks: true,
};

describe("lanes", () => {
  it("fill the height without overlapping, the training loss tallest", () => {
    const lanes = layoutLanes(400, needs);
    expect(lanes.map((lane) => lane.id)).toEqual([
      "nonfinite",
      "mae",
      "mape",
      "smape",
      "masked",
      "map",
    ]);
    for (let i = 1; i < lanes.length; i += 1) {
      const above = lanes[i - 1];
      expect(lanes[i]?.top).toBeGreaterThanOrEqual((above?.top ?? 0) + (above?.height ?? 0));
    }
    const last = lanes.at(-1);
    expect((last?.top ?? 0) + (last?.height ?? 0)).toBeLessThanOrEqual(400);
    expect(lanes[2]?.height).toBeGreaterThan(lanes[1]?.height ?? 0);
  });

  it("keep room for the largest map while a live run may still fill it", () => {
    const mapOf = (mapRows: number | null) => layoutLanes(400, { ...needs, mapRows }).at(-1);
    const heights = [0, 1, 3, 300].map((rows) => mapOf(rows)?.height ?? 0);
    expect(mapOf(null)?.height).toBe(Math.max(...heights));
    expect(mapOf(1)?.height).toBeLessThan(mapOf(300)?.height ?? 0);
  });

  it("leave out the masks when nothing was and nothing will be masked", () => {
    const lanes = layoutLanes(400, { ...needs, showMasks: false });
    expect(lanes.map((lane) => lane.id)).toEqual(["nonfinite", "mae", "mape", "smape"]);
  });

  it("are plotly's domains counted from below", () => {
    expect(laneDomain({ id: "mae", top: 0, height: 100 }, 400)).toEqual([0.75, 1]);
  });

  it("tell the row of the map under the pointer", () => {
    const lanes = layoutLanes(400, needs);
    const map = lanes.at(-1);
    const middle = (map?.top ?? 0) + (map?.height ?? 0) / 2;
    expect(mapRowAt(lanes, middle, 3)).toBe(1);
    expect(mapRowAt(lanes, 10, 3)).toBeNull();
    expect(mapRowAt(lanes, middle, 0)).toBeNull();
  });
});

describe("stepRange", () => {
  it("is exact when ended, with room to grow while live, and the whole when its end is known", () => {
    const end = (range: [number, number]) => Math.round(range[1]);
    expect(end(stepRange(0, 199, false))).toBe(201);
    expect(stepRange(0, 110, true)).toEqual(stepRange(0, 180, true));
    expect(stepRange(0, 10, true, 300)[1]).toBeGreaterThanOrEqual(299);
    expect([9, 11, 43, 51, 1000, 1001].map(niceAtLeast)).toEqual([10, 20, 50, 100, 1000, 2000]);
  });
});

describe("numbers at a step", () => {
  const losses = golden("losses");
  const folded = golden("losses", "losses_folded");

  it("are those of that very step, never of a neighbour", () => {
    const reference = losses.series.find((row) => row.side === "reference" && row.loss === "mae");
    if (reference === undefined) throw new Error("no eager MAE");
    expect(valueAt(losses, reference.last.values, 1)).toBeNaN();
    expect(valueAt(losses, reference.last.values, 2)).toBe(reference.last.values[2]);
    expect(valueAt(losses, reference.last.values, 8)).toBeNull();
    expect(valueAt(losses, reference.last.values, -1)).toBeNull();
  });

  it("of a folded run are those of the bin", () => {
    const series = folded.series[0];
    if (series === undefined) throw new Error("no series");
    expect(valueAt(folded, series.last.values, 4)).toBe(series.last.values[1]);
  });

  it("say what was not finite there, each thing once", () => {
    const [mark] = losses.marks;
    if (mark === undefined) throw new Error("The golden run has no mark.");
    expect(marksAt(losses, mark.step).length).toBeGreaterThan(0);
    expect(new Set(marksAt(losses, mark.step)).size).toBe(marksAt(losses, mark.step).length);
    expect(marksAt(losses, 0)).toEqual([]);
    const finite = losses.marks.every((other) => other.step !== 0);
    expect(finite && markAt(losses, "mae", "candidate", 0)).toBeNull();
  });

  it("count what was masked at that step", () => {
    expect(maskedAt(losses, "mape", 3)).toEqual({ nan: 1, posinf: 0, neginf: 0 });
    expect(maskedAt(losses, "mape", 0)).toEqual({ nan: 0, posinf: 0, neginf: 0 });
    expect(maskedAt(losses, "mape", 99)).toBeNull();
    expect(anythingMasked(losses)).toBe(true);
  });
});

describe("which losses", () => {
  const losses = golden("losses");

  it("knows the one the user trains with, whatever its case, and gives another one a lane", () => {
    expect(mainLoss(losses)).toBe("mape");
    expect(mainLoss({ ...losses, trains_with: "sMAPE" })).toBe("smape");
    const user = losses.series.map((row) => ({ ...row, loss: "user" as const }));
    const other = { ...losses, trains_with: "HuberLoss", series: user };
    expect(mainLoss(other)).toBe("user");
    expect(shownLosses(other)[0]).toBe("user");
    expect(mainLoss({ ...losses, trains_with: "", series: [] })).toBeNull();
  });

  it("always keeps one lane", () => {
    const two = toggled(toggled(new Set(), "mae", 3), "mape", 3);
    expect([...toggled(two, "smape", 3)]).toEqual(["mae", "mape"]);
    expect([...toggled(two, "mae", 3)]).toEqual(["mape"]);
  });
});

describe("what was never looked at", () => {
  const losses = golden("losses");
  const mae = losses.series.filter(({ loss }) => loss === "mae");
  const classifier = {
    ...losses,
    trains_with: "CrossEntropyLoss",
    series: mae.map((series) => ({ ...series, loss: "user" as const })),
    marks: [],
  };

  it("has no lane, and its masks are not said to be none", () => {
    expect(shownLosses(losses)).toEqual(["mae", "mape", "smape"]);
    expect(shownLosses(classifier)).toEqual(["user"]);
    expect(shownLosses({ ...losses, series: [] })).toEqual([]);
    expect(masksKnown(losses)).toBe(true);
    expect(masksKnown(classifier)).toBe(false);
    expect(rangeText(classifier, false)).toBe("masks not computed");
    expect(rangeText(losses, false)).toBe("no element masked in 8 steps");
  });

  it("is not said to be finite", () => {
    expect(unmarkedText(losses, 0)).toBe("all finite");
    expect(unmarkedText({ ...losses, series: [] }, 0)).toBe("no loss seen at this step");
    expect(unmarkedText(losses, 8)).toBe("no loss seen at this step");
    expect(unmarkedText({ ...losses, marks: [], marks_left_out_count: 3 }, 0)).toMatch(/more/);
  });
});

describe("forLogAxis", () => {
  it("keeps an exact zero visible below everything else, and NaN a gap", () => {
    const values = Float64Array.of(0.5, 0, 0.02, Number.NaN);
    const shown = forLogAxis(values, zeroFloor([values]));
    expect(shown[1]).toBeGreaterThan(0);
    expect(shown[1]).toBeLessThan(0.02);
    expect(shown[0]).toBe(0.5);
    expect(shown[3]).toBeNaN();
  });

  it("calls that place 0, not by the number it stands at", () => {
    const values = Float64Array.of(0.5, 0, 0.02);
    const ticks = ticksWithZero([values], 9);
    expect(ticks?.tickvals[0]).toBe(zeroFloor([values]));
    expect(ticks?.ticktext).toEqual(["0", "0.01", "0.1"]);
    expect(ticksWithZero([Float64Array.of(0.5, 0.02)], 9)).toBeNull();
    expect(ticksWithZero([Float64Array.of(0, 1e-9, 1e9)], 4)?.ticktext.length).toBeLessThanOrEqual(
      5,
    );
  });

  it("has a place even when everything is 0", () => {
    const nothing = Float64Array.of(0, 0);
    expect(ticksWithZero([nothing], 4)?.ticktext[0]).toBe("0");
    expect(forLogAxis(nothing, zeroFloor([nothing]))[0]).toBeGreaterThan(0);
  });
});

const SIZE = { width: 900, height: 440 };

describe("lossesFigure", () => {
  const input = (name: string) => ({
    losses: golden("losses", name),
    map: golden("mask_map"),
    lanes: layoutLanes(400, needs),
    maskLoss: "mape" as const,
    log: false,
    live: false,
    totalSteps: null,
    eagerOnly: false,
    palette,
  });
  const named = (name: string, file = "losses") =>
    lossesFigure(input(file), SIZE).data.filter((trace) => trace.name === name);

  it("draws ORT as a line and eager as marks of its own shape", () => {
    expect(named("MAE ORT")[0]).toMatchObject({ mode: "lines", line: { color: "orange" } });
    expect(named("MAE eager")[0]).toMatchObject({
      mode: "markers",
      marker: { color: "blue", symbol: "square-open" },
    });
  });

  it("gives eager's colour to what eager computed", () => {
    const { data } = lossesFigure({ ...input("losses_folded"), eagerOnly: true }, SIZE);
    const drawn = JSON.stringify(data);
    expect(drawn).toContain("sky");
    expect(drawn).not.toMatch(/orange|peach| ORT"/);
  });

  it("adds a band only when steps are folded", () => {
    const bands = (file: string) =>
      lossesFigure(input(file), SIZE).data.filter((trace) => "fill" in trace).length;
    expect(bands("losses")).toBe(0);
    expect(bands("losses_folded")).toBeGreaterThan(0);
  });

  it("marks what is not finite at its own step, and masks by kind", () => {
    const marks = named("not finite")[0] as { x: number[] };
    expect(marks.x).toEqual(golden("losses").marks.map((mark) => mark.step));
    const bars = named("masked NaN")[0] as { y: (number | null)[] };
    expect(bars.y[3]).toBe(1);
    expect(bars.y[0]).toBeNull();
  });

  it("keeps one step axis under all lanes, and only that one can be zoomed", () => {
    const { layout } = lossesFigure(input("losses"), SIZE);
    expect(layout.xaxis).toMatchObject({ anchor: "free", position: 0, fixedrange: false });
    const axes = Object.entries(layout).filter(([key]) => key.startsWith("yaxis"));
    expect(axes).toHaveLength(6);
    for (const [, axis] of axes) expect(axis).toMatchObject({ fixedrange: true });
  });
});

describe("the map", () => {
  it("writes signs only where a cell is large enough for them", () => {
    const signs = (width: number, height: number) =>
      mapTrace(golden("mask_map"), { width, height }, palette)[0]?.texttemplate !== undefined;
    expect(signs(400, 60)).toBe(true);
    expect(signs(400, 30)).toBe(false);
    expect(signs(100, 60)).toBe(false);
  });

  const map = golden("mask_map");
  const losses = golden("losses");

  it("says what a cell holds", () => {
    const column = [...map.steps.values].indexOf(3);
    const row = map.positions.findIndex((_, y) => map.codes.values[y * 8 + column] === 1);
    expect(cellText(map, row, column)).toBe(`position ${map.positions[row]}: 1 masked, NaN`);
    expect(cellText(map, 0, 0)).toMatch(/nothing masked/);
  });

  it("leads to the masked step, to none from an empty cell", async () => {
    const cache = new RequestCache(new GoldenTransport());
    const row = map.positions.findIndex((_, y) => map.codes.values[y * 8 + 3] === 1);
    expect(await maskedStep(cache, losses, map, { row, step: 3 })).toBe(3);
    expect(await maskedStep(cache, losses, map, { row: 0, step: 0 })).toBeNull();
  });

  it("opens a folded bin to find the step inside it", async () => {
    const transport = new GoldenTransport();
    const cache = new RequestCache(transport);
    const folded = {
      ...map,
      steps: { values: Int32Array.of(0), shape: [1] },
      steps_per_bin: 8,
      codes: { values: Uint8Array.of(1, 1, 1), shape: [3, 1] },
    };
    expect(await maskedStep(cache, losses, folded, { row: 1, step: 6 })).toBe(3);
    expect(transport.asked).toEqual(['mask_map?{"first_step":0,"last_step":7,"loss":"mape"}']);
  });
});
