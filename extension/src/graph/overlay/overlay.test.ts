import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { madePicture, madeStructure } from "../../../test/graph/made";
import { type Row, recordedStep } from "../../../test/graph/recorded";
import { GraphStructure } from "../structure";
import { groupItem, type ItemId, type PlacedEdge } from "../types";
import { BLANK, CALM, HUES, sequential } from "./colours";
import { COLOURS, makeOverlay, OVERLAYS, type OverlayName, RunRanges } from "./index";
import { LogRange } from "./ranges";

/*
 * Node 0 is the graph's input, 1 to 4 are forward (ln1, attn, ln2, mlp of blocks.0), 5 its output,
 * 6 the YieldOp, 7 to 10 backward; value and node have the same number.
 */
const structure = madeStructure(1, 4);
const [FORWARD, BACKWARD] = ["forward", "backward"].map((label) =>
  groupItem(structure.groups.findIndex((group) => group.label === label)),
) as [ItemId, ItemId];
const colours = COLOURS.light;
const { look, reference, candidate } = colours;
const blank = { fill: BLANK.light, mark: "" };

const made = (
  name: OverlayName,
  rows: Row[] = [],
  more: { times?: [number, number][]; ranges?: RunRanges; notes?: string[] } = {},
) => {
  const step = recordedStep(rows, more.times ?? [], 4, more.notes ?? []);
  const overlay = makeOverlay(name, { structure, colours, step, ranges: more.ranges });
  if (overlay === null) throw new Error("There is no overlay.");
  return overlay;
};

const edge = (from: number, to: number): PlacedEdge => ({
  from,
  to,
  edges: Int32Array.from(
    [...structure.edgesInto(to)].filter((each) => structure.edgeValue[each] === from),
  ),
  points: new Float32Array(),
  shape: "line",
  crossing: false,
});

const legend = (name: OverlayName, rows: Row[]) =>
  Object.fromEntries(made(name, rows).legend.map(({ mark, label }) => [mark, label]));

describe("divergence", () => {
  const rows: Row[] = [
    { value: 1, verdict: 0 },
    { value: 2, verdict: 1, error: 2.5e-7 },
    { value: 3, verdict: 2, error: 0.25, born: true },
    { value: 4, verdict: 2, error: 0.5 },
    { value: 7, verdict: 3, error: Number.NaN },
    { value: 8, verdict: 1, error: 1e-6, born: true },
  ];
  const overlay = made("divergence", rows);

  it("paints each node by its verdict and writes its relative error", () => {
    expect([1, 2, 3, 4, 7].map((node) => overlay.item(node))).toEqual([
      { fill: CALM.light[0], mark: "=" },
      { fill: CALM.light[1], mark: "≈ 2.5e-7" },
      { fill: look, mark: "≠ 0.25 ✱" },
      { fill: "#e59abf", mark: "≠ 0.5" },
      { fill: HUES.light.grey, mark: "∅" },
    ]);
  });

  it("leaves what was not recorded as it is", () => {
    expect(overlay.item(9)).toEqual(blank);
    expect(overlay.item(0)).toEqual(blank);
    expect(overlay.legend.at(-1)?.label).toBe("not recorded: 5");
  });

  it("shows of a closed group the worst that is in it, with that one's error", () => {
    expect(overlay.item(FORWARD)).toEqual({ fill: look, mark: "≠ 0.25 ✱" });
    expect(overlay.item(BACKWARD)).toEqual({ fill: CALM.light[1], mark: "≈ 1e-6" });
    const inner = (label: string) =>
      overlay.item(groupItem(structure.groups.findIndex((group) => group.label === label)));
    expect(inner("mlp")?.mark).toBe("≠ 0.5");
    expect(inner("attn")?.mark).toBe("≈ 2.5e-7");
  });

  it("counts tensors in the legend", () => {
    expect(legend("divergence", rows)).toEqual({
      "≠ ✱": "divergent, born here: 1",
      "≠": "divergent: 1",
      "≈": "rounding: 2",
      "=": "equal: 1",
      "∅": "not comparable: 1",
      "": "not recorded: 5",
    });
  });

  it("has in the legend what is drawn at this step, and in words what is not", () => {
    const labels = (deep: boolean | null, ...shown: Row[]) =>
      makeOverlay("divergence", { structure, colours, step: recordedStep(shown), deep })
        ?.legend.filter(({ label }) => !label.startsWith("not recorded"))
        .map(({ color, label }) => (color === "" ? `no colour: ${label}` : label));
    const rounding: Row = { value: 1, verdict: 1 };
    const divergent: Row = { value: 2, verdict: 2 };
    expect(labels(true, rounding)).toEqual(["no colour: divergent: 0", "rounding: 1"]);
    expect(labels(true, divergent)).toEqual(["no colour: born here: 0", "divergent: 1"]);
    // Whether any is born here is not known.
    expect(labels(false, divergent)).toEqual(["divergent: 1"]);
    expect(labels(null, divergent)).toEqual(["divergent: 1"]);
  });

  it("lights the lines that carry what differs", () => {
    expect(overlay.edge(edge(3, 4))).toEqual({ color: look, width: 3 });
    expect(overlay.edge(edge(1, 2))).toBeNull();
    expect(overlay.edge(edge(2, 3))).toBeNull();
  });
});

describe("NaN and Inf", () => {
  const rows: Row[] = [
    { value: 1 },
    { value: 2, nonfinite: [3, 0] },
    { value: 3, nonfinite: [0, 5] },
    { value: 4, nonfinite: [4, 4] },
    { value: 7, norms: [Number.NaN, 1], nonfinite: [0, 2] },
    { value: 8, norms: [Number.NaN, 1] },
    { value: 9, norms: [Number.NaN, Number.NaN] },
  ];
  const overlay = made("nonfinite", rows);

  it("tells the sides apart, by colour and by number", () => {
    expect([1, 2, 3, 4, 7, 8, 9].map((node) => overlay.item(node))).toEqual([
      { fill: CALM.light[0], mark: "" },
      { fill: reference, mark: "3 | 0" },
      { fill: candidate, mark: "0 | 5" },
      { fill: look, mark: "4 | 4" },
      { fill: look, mark: "– | 2" },
      { fill: CALM.light[0], mark: "" },
      blank,
    ]);
  });

  it("adds up what is in a group", () => {
    expect(overlay.item(FORWARD)).toEqual({ fill: look, mark: "7 | 9" });
    expect(overlay.item(BACKWARD)).toEqual({ fill: look, mark: "– | 2" });
    expect(overlay.legend.map(({ label }) => label.replace(/.*: /, ""))).toEqual([
      "2",
      "1",
      "1",
      "2",
      "4",
    ]);
    expect(overlay.edge(edge(2, 3))).toEqual({ color: reference, width: 2.5 });
    expect(overlay.edge(edge(1, 2))).toBeNull();
  });

  it("has in the legend what is drawn at this step", () => {
    const shown = made("nonfinite", [{ value: 1 }]).legend;
    expect(shown.map(({ color, label }) => [color === "", label]).slice(0, 2)).toEqual([
      [true, "with NaN or infinite elements: 0"],
      [false, "all finite: 1"],
    ]);
  });
});

describe("norms", () => {
  const rows: Row[] = [
    { value: 1, norms: [2, 1] },
    { value: 2, norms: [100, Number.NaN] },
    { value: 3, norms: [1, 0] },
    { value: 4, norms: [9, 10], nonfinite: [0, 3] },
    { value: 7, norms: [1, 1e-3], backward: true },
    { value: 8, norms: [1, 1e-5], backward: true },
    { value: 9, norms: [Number.NaN, Number.NaN], nonfinite: [0, 7], backward: true },
  ];

  it("paints activations on a logarithmic scale of whole powers of ten", () => {
    const overlay = made("activation", rows);
    expect(overlay.item(1)).toEqual({ fill: sequential("light", 0), mark: "1" });
    expect(overlay.item(2)).toEqual({ fill: sequential("light", 1), mark: "100" });
    expect(overlay.item(3)).toEqual({ fill: sequential("light", 0), mark: "0" });
    expect(overlay.item(4)).toEqual({ fill: look, mark: "10 !" });
    expect(overlay.item(7)).toEqual(blank);
    expect(overlay.item(FORWARD)).toEqual({ fill: look, mark: "100 !" });
    expect(overlay.item(BACKWARD)).toBeNull();
    expect(overlay.legend.map(({ label }) => label)).toEqual([
      "100 and more",
      "32",
      "10",
      "3.2",
      "1 and less",
      "all zero: 1 tensor",
      "partly NaN or infinite: 1 tensor",
      "not recorded: 4",
    ]);
  });

  it("paints gradients alone, and NaN as what it is", () => {
    const overlay = made("gradient", rows);
    expect(overlay.item(7)?.mark).toBe("1e-3");
    expect(overlay.item(9)).toEqual({ fill: look, mark: "NaN" });
    expect(overlay.item(1)).toEqual(blank);
    expect(overlay.legend.at(-2)).toEqual({
      color: look,
      mark: "NaN",
      label: "no finite element: 1 tensor",
    });
  });

  it("widens lines with the logarithm of the norm, each overlay its own pass's", () => {
    const [activation, gradient] = [made("activation", rows), made("gradient", rows)];
    expect(activation.edge(edge(1, 2))).toEqual({ color: sequential("light", 0), width: 0.75 });
    expect(activation.edge(edge(2, 3))).toEqual({ color: sequential("light", 1), width: 4.5 });
    expect(activation.edge(edge(7, 8))).toBeNull();
    expect(gradient.edge(edge(2, 3))).toBeNull();
    // Range 1e-5 to 1 (eager's norms count too): 1e-3 lies two fifths up.
    expect(gradient.edge(edge(7, 8))?.width).toBeCloseTo(0.75 + 3.75 * 0.4, 5);
    expect(gradient.edge(edge(9, 10))).toEqual({ color: look, width: 4.5 });
  });

  it("keeps a colour's meaning while steps are played", () => {
    const ranges = new RunRanges();
    const first = made("activation", [{ value: 1, norms: [1, 10] }], { ranges });
    const before = first.item(1)?.fill;
    expect(ranges.see("other", recordedStep([{ value: 1, norms: [5, 5] }], [], 5))).toBe(false);
    expect(made("activation", [{ value: 1, norms: [1, 10] }], { ranges }).item(1)?.fill).toBe(
      before,
    );
    expect(ranges.see("other", recordedStep([{ value: 1, norms: [1, 1e4] }], [], 6))).toBe(true);
    const later = made("activation", [{ value: 1, norms: [1, 10] }], { ranges });
    expect(later.item(1)?.fill).not.toBe(before);
    expect(later.notes.join(" ")).toContain("3 steps seen so far");
  });

  it("survives zeros, NaN, infinities and numbers far apart", () => {
    const ranges = new RunRanges();
    const odd = [0, Number.NaN, Number.POSITIVE_INFINITY, 1e-300, 1e20];
    ranges.see("x", recordedStep(odd.map((norm, value) => ({ value, norms: [norm, norm] }))));
    expect(ranges.range("activation")).toEqual(new LogRange(12, 20));
    expect(ranges.range("gradient")).toBeNull();
    const overlay = made(
      "activation",
      odd.map((norm, value) => ({ value, norms: [norm, norm] })),
      { ranges },
    );
    expect([0, 1, 2, 3, 4].map((node) => overlay.item(node)?.mark)).toEqual([
      "0",
      "",
      "∞",
      "1e-300",
      "1e20",
    ]);
    expect(LogRange.around(1, 1)).toEqual(new LogRange(0, 1));
  });

  it("is not stretched by a few tiny ones", () => {
    const ranges = new RunRanges();
    const rows = Array.from({ length: 100 }, (_, value): Row => {
      const norm = value < 3 ? 1e-9 : 2;
      return { value, norms: [norm, norm] };
    });
    ranges.see("x", recordedStep(rows));
    expect(ranges.range("activation")).toEqual(new LogRange(0, 1));
  });

  it("says so where there is nothing", () => {
    const overlay = made("gradient", []);
    expect(overlay.item(7)).toEqual(blank);
    expect(overlay.legend.map(({ mark }) => mark)).toEqual([""]);
    expect(overlay.notes.join(" ")).toContain("0 tensors");
  });
});

describe("time", () => {
  const times: [number, number][] = [
    [1, 0.009],
    [2, 0.0009],
    [7, 0.0001],
    [8, 0],
    [3, Number.NaN],
    [99, 5],
  ];
  const overlay = made("time", [], { times, notes: ["Measured at step 4."] });

  it("gives each node its share, and groups the sum", () => {
    expect(overlay.item(1)).toEqual({ fill: sequential("light", 0.9771), mark: "90 %" });
    expect(overlay.item(2)?.mark).toBe("9 %");
    expect(overlay.item(8)).toEqual({ fill: sequential("light", 0), mark: "0 %" });
    expect(overlay.item(FORWARD)?.mark).toBe("99 % · 9.9 ms");
    expect(overlay.item(BACKWARD)?.mark).toBe("1 % · 100 µs");
    expect(overlay.item(3)).toEqual(blank);
    expect(overlay.item(4)).toEqual(blank);
  });

  it("says what was timed, in a legend whose ends never move", () => {
    expect(overlay.notes).toEqual([
      "4 nodes of 11 were timed: 10 ms together, 100 %.",
      "Measured at step 4.",
    ]);
    expect(overlay.legend[0]).toEqual({
      color: sequential("light", 1),
      mark: "100 %",
      label: "10 ms",
    });
    expect(overlay.legend.at(-1)?.label).toBe("100 µs and less");
    const without = made("time", [], { notes: ["No times were measured."] });
    expect(without.legend).toEqual([]);
    expect(without.notes).toEqual(["No times were measured."]);
  });
});

describe("operators", () => {
  const overlay = makeOverlay("op", { structure, colours });

  it("paints what each is for, and counts kinds in groups", () => {
    expect(overlay?.item(1)).toEqual({ fill: HUES.light.grey, mark: "S" });
    expect(overlay?.item(2)).toEqual({ fill: HUES.light.yellow, mark: "A" });
    expect(overlay?.item(6)).toEqual({ fill: HUES.light.orange, mark: "C" });
    expect(overlay?.item(BACKWARD)).toEqual({ fill: HUES.light.yellow, mark: "A 1  C 1  S 3" });
    expect(overlay?.legend.map(({ mark, label }) => `${mark} ${label}`)).toEqual([
      "A activation: 2",
      "C control: 1",
      "S shape, data movement: 6",
    ]);
  });
});

describe("dtypes", () => {
  const golden_structure = new GraphStructure(golden("graph_structure"));

  it("reads them from nodes' details, and says what is unknown", () => {
    const answer = golden("graph_details");
    const overlay = makeOverlay("dtype", {
      structure: golden_structure,
      colours,
      details: [answer],
    });
    const [first] = answer.nodes;
    expect(first?.outputs[0]?.dtype).toBe("float32");
    expect(overlay?.item(0)).toEqual({ fill: HUES.light.teal, mark: "f32" });
    const none = makeOverlay("dtype", { structure: golden_structure, colours });
    expect(none?.item(0)).toBeNull();
    expect(none?.notes[0]).toContain("is not known");
  });
});

describe("changes", () => {
  const kinds = ["same", "fused", "added", "removed"] as const;
  const column = (values: number[]) => ({
    values: Uint8Array.from(values),
    shape: [values.length],
  });
  const none = { values: new Int32Array(), shape: [0] };
  const lineage = {
    mode: "training" as const,
    stage: "execution_model" as const,
    previous: "optimized" as const,
    kinds: [...kinds],
    evidences: [],
    link_from: none,
    link_to: none,
    node_kind: column([0, 0, 1, 0, 1, 0, 0, 2, 2, 2, 0]),
    node_evidence: column([]),
    previous_kind: column([3]),
    previous_evidence: column([]),
    sentences: [],
  };

  it("paints what became of each node", () => {
    const overlay = makeOverlay("changes", { structure, colours, lineage });
    expect(overlay?.item(1)).toEqual({ fill: HUES.light.grey, mark: "=" });
    expect(overlay?.item(2)).toEqual({ fill: HUES.light.violet, mark: "f" });
    expect(overlay?.item(BACKWARD)).toEqual({ fill: HUES.light.blue, mark: "+ 3  = 2" });
    expect(overlay?.item(0)).toBeNull();
    expect(overlay?.notes).toEqual(["Compared with optimized, the stage before it."]);
  });

  it("serves the earlier stage too, the first one and none", () => {
    const earlier = makeOverlay("changes", {
      structure,
      colours,
      lineage: {
        ...lineage,
        stage: "model",
        previous: "execution_model",
        previous_kind: column([0, 3]),
      },
    });
    expect(earlier?.item(1)?.mark).toBe("−");
    expect(earlier?.item(2)).toBeNull();
    expect(earlier?.notes[0]).toContain("in model, the stage after it");
    const first = makeOverlay("changes", {
      structure,
      colours,
      lineage: { ...lineage, previous: null },
    });
    expect(first?.item(1)).toBeNull();
    expect(first?.notes[0]).toContain("the first stage");
    expect(makeOverlay("changes", { structure, colours })?.notes[0]).toContain("not known yet");
  });
});

describe("every overlay", () => {
  it.each(OVERLAYS.map(({ name }) => name))(
    "%s answers for every item, the same each time",
    (name) => {
      const big = madeStructure(2, 8);
      const rows: Row[] = Array.from({ length: big.valueCount }, (_, value) => ({ value }));
      const overlay = makeOverlay(name, {
        structure: big,
        colours: COLOURS.dark,
        step: recordedStep(rows),
      });
      if (name === "none") {
        expect(overlay).toBeNull();
        return;
      }
      const picture = madePicture(big, new Set(big.groups.keys()));
      for (const { item } of picture.items) expect(overlay?.item(item)).toBe(overlay?.item(item));
      for (const each of picture.edges) expect(overlay?.edge(each)).toBe(overlay?.edge(each));
      expect(overlay?.name).toBe(name);
    },
  );

  it("says so without a step", () => {
    for (const { name, needs } of OVERLAYS) {
      if (needs !== "step") continue;
      const overlay = makeOverlay(name, { structure, colours });
      expect(overlay?.item(1)).toBeNull();
      expect(overlay?.notes[0]).toContain("No step is recorded");
    }
  });

  it("reads the golden run", () => {
    const real = new GraphStructure(golden("graph_structure"));
    const step = golden("graph_overlay", "graph_overlay_nan");
    const overlay = makeOverlay("nonfinite", { structure: real, colours, step });
    expect(overlay?.item(0)).toEqual({ fill: look, mark: "32 | 32" });
    expect(overlay?.notes.at(-1)).toContain("not in this stage");
  });
});
