import { describe, expect, it, vi } from "vitest";
import { type GraphSpec, randomSpec, structureOf, testElk } from "../../../test/graph/builder";
import { faultsOf } from "../../../test/graph/picture_checks";
import type { GraphStructure } from "../structure";
import type { Picture, PlacedItem } from "../types";
import { ElkError } from "./elk";
import { layoutInput } from "./input";
import { Layouter } from "./layouter";
import { unpackPicture } from "./unpack";

// ELK's first calls are slow, the more so on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const rest = async (): Promise<void> => undefined;

const layouterOf = async (structure: GraphStructure): Promise<Layouter> =>
  new Layouter(await layoutInput(structure), testElk());

async function pictureOf(
  structure: GraphStructure,
  open: Iterable<number>,
  known?: Layouter,
): Promise<Picture> {
  const layouter = known ?? (await layouterOf(structure));
  return unpackPicture(await layouter.layout(Int32Array.from(open), rest, () => undefined));
}

const boxOf = (picture: Picture, item: number): PlacedItem => {
  const box = picture.items.find((each) => each.item === item);
  if (box === undefined) throw new Error(`There is no box ${item}.`);
  return box;
};

/** Forward: a block of three nodes, twice; backward: the same; YieldOp in between. */
const TRAINING: GraphSpec = {
  groups: [
    { kind: "half", half: "forward", label: "forward" },
    { kind: "half", half: "backward", label: "backward" },
    { parent: 0, label: "a", module: "a" },
    { parent: 0, label: "b", module: "b" },
    { parent: 1, label: "b", module: "b", half: "backward" },
    { parent: 1, label: "a", module: "a", half: "backward" },
  ],
  nodes: [
    { group: 2 },
    { group: 2 },
    { group: 3 },
    { group: 3 },
    { op: "YieldOp" },
    { group: 4 },
    { group: 4 },
    { group: 5 },
    { group: 5 },
    { kind: 1, name: "x" },
  ],
  edges: [
    [9, 0],
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
    [5, 6],
    [6, 7],
    [7, 8],
    [0, 8],
    [2, 6],
    [9, 8],
  ],
};

describe("a training graph", () => {
  const structure = structureOf(TRAINING);

  it("has forward left and downwards, backward right and upwards, YieldOp below", async () => {
    const picture = await pictureOf(structure, [0, 1]);
    const [forward, backward] = [boxOf(picture, -1), boxOf(picture, -2)];
    expect(forward.x + forward.width).toBeLessThan(backward.x);
    expect(boxOf(picture, -3).y).toBeLessThan(boxOf(picture, -4).y);
    expect(boxOf(picture, -6).y).toBeLessThan(boxOf(picture, -5).y);
    expect(boxOf(picture, 4).y).toBeGreaterThan(forward.y + forward.height);
    expect(boxOf(picture, 9).y).toBeLessThan(forward.y);
  });

  it.each([[[]], [[0, 1]], [[0, 1, 2]], [[0, 1, 2, 5]], [[0, 1, 2, 3, 4, 5]]])(
    "stands a module's backward beside it, with %j open",
    async (open) => {
      const picture = await pictureOf(structure, open);
      expect(faultsOf(structure, picture, new Set(open))).toEqual([]);
      if (!open.includes(0)) return;
      expect(boxOf(picture, -3).y).toBeCloseTo(boxOf(picture, -6).y, 0);
      expect(boxOf(picture, -4).y).toBeCloseTo(boxOf(picture, -5).y, 0);
    },
  );

  it("draws kept activations across, from box to box, and names what they stand for", async () => {
    const picture = await pictureOf(structure, [0, 1]);
    const crossing = picture.edges.filter((edge) => edge.crossing);
    expect(crossing.map(({ from, to, edges }) => [from, to, [...edges]])).toEqual([
      [-3, -6, [9]],
      [-4, -5, [10]],
    ]);
    expect(picture.edges.find((edge) => edge.from === 9 && edge.to === -2)?.shape).toBe("stub");
  });
});

describe("halves of different height", () => {
  it("end at one height, with all that goes through their lower edges", async () => {
    const count = 24;
    const chain = Array.from({ length: count }, (_, at): [number, number] => [at, at + 1]);
    const structure = structureOf({
      groups: [
        { kind: "half", half: "forward" },
        { kind: "half", half: "backward" },
      ],
      nodes: [
        ...Array.from({ length: count + 1 }, () => ({ group: 1 })),
        { group: 0 },
        { op: "YieldOp" },
      ],
      // The forward half is left early, and the backward half entered by what is used all over it.
      edges: [
        ...chain,
        [count + 1, count + 2],
        [count + 2, 0],
        [count + 2, 5],
        [count + 2, 9],
        [count + 2, 20],
      ],
    });
    const open = new Set([0, 1]);
    const picture = await pictureOf(structure, open);
    expect(faultsOf(structure, picture, open)).toEqual([]);
    const [forward, backward] = [boxOf(picture, -1), boxOf(picture, -2)];
    expect(forward.height).toBeCloseTo(backward.height, 3);
    expect(picture.edges.some((edge) => edge.from === -2 && edge.shape === "stub")).toBe(true);
  });

  it("keep the ends of stubs short", async () => {
    const count = 24;
    const chain = Array.from({ length: count }, (_, at): [number, number] => [at, at + 1]);
    const structure = structureOf({
      groups: [
        { kind: "half", half: "forward" },
        { kind: "half", half: "backward" },
      ],
      nodes: [
        ...Array.from({ length: count + 1 }, () => ({ group: 0 })),
        ...Array.from({ length: 2 * count + 1 }, () => ({ group: 1 })),
        { op: "YieldOp" },
      ],
      edges: [
        ...chain,
        ...Array.from({ length: 2 * count }, (_, at): [number, number] => [
          count + 1 + at,
          count + 2 + at,
        ]),
        [0, 3 * count + 2],
        [count, 3 * count + 2],
      ],
    });
    const open = new Set([0, 1]);
    const picture = await pictureOf(structure, open);
    expect(faultsOf(structure, picture, open)).toEqual([]);
    expect(picture.edges.some((edge) => edge.to === -1 && edge.shape === "stub")).toBe(true);
  });
});

describe("lines", () => {
  it("go through a border at the place where they go on inside", async () => {
    const structure = structureOf({
      groups: [{ label: "block" }],
      nodes: [{}, {}, { group: 0 }, { group: 0 }, {}],
      edges: [
        [0, 2],
        [1, 3],
        [2, 3],
        [3, 4],
      ],
    });
    const picture = await pictureOf(structure, [0]);
    expect(faultsOf(structure, picture, new Set([0]))).toEqual([]);
    for (const edge of [0, 1, 3]) {
      const pieces = picture.edges.filter(({ edges }) => edges.includes(edge));
      expect(pieces).toHaveLength(2);
      const outer = pieces.find(({ from, to }) => from >= 0 === to < 0 && to === -1) ?? pieces[0];
      const inner = pieces.find((piece) => piece !== outer);
      const outerX = edge === 3 ? outer?.points[0] : outer?.points.at(-2);
      const innerX = edge === 3 ? inner?.points.at(-2) : inner?.points[0];
      const same = [outerX, innerX].map((x) => Math.round(x as number));
      expect(same[0]).toBe(same[1]);
    }
  });

  it("of a tensor that many use far away are cut to their ends", async () => {
    const count = 30;
    const chain = Array.from({ length: count }, (_, at): [number, number] => [at, at + 1]);
    const mask = Array.from({ length: count }, (_, at): [number, number] => [count + 1, at + 1]);
    const structure = structureOf({
      nodes: Array.from({ length: count + 2 }, () => ({})),
      edges: [...chain, ...mask],
    });
    const picture = await pictureOf(structure, []);
    expect(faultsOf(structure, picture, new Set())).toEqual([]);
    const shapes = picture.edges
      .filter((edge) => edge.from === count + 1)
      .map((edge) => edge.shape);
    expect(shapes.filter((shape) => shape === "stub").length).toBeGreaterThan(20);
    expect(shapes).toContain("line");
    const chainShapes = picture.edges.filter((edge) => edge.from < count).map((edge) => edge.shape);
    expect(new Set(chainShapes)).toEqual(new Set(["line"]));
  });

  it("of a node to itself go around it", async () => {
    const structure = structureOf({
      nodes: [{}, {}],
      edges: [
        [0, 0],
        [0, 1],
      ],
    });
    const picture = await pictureOf(structure, []);
    expect(faultsOf(structure, picture, new Set())).toEqual([]);
    const loop = picture.edges.find((edge) => edge.from === 0 && edge.to === 0);
    const box = boxOf(picture, 0);
    expect(Math.max(...(loop?.points ?? []))).toBeGreaterThan(box.x + box.width);
  });
});

describe("a module that is called twice", () => {
  it("stands where it was called first", async () => {
    const relu = 2;
    const structure = structureOf({
      groups: ["conv1", "bn1", "relu", "conv2", "bn2"].map((label) => ({ label })),
      nodes: [0, 1, relu, 3, 4, -1, relu].map((group) => ({ group })),
      edges: [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
        [4, 5],
        [5, 6],
      ],
    });
    const picture = await pictureOf(structure, []);
    expect(faultsOf(structure, picture, new Set())).toEqual([]);
    const tops = [-1, -2, -3, -4, -5, 5].map((item) => boxOf(picture, item).y);
    expect(tops).toEqual([...new Set(tops)].sort((a, b) => a - b));
  });
});

describe("boxes without lines between them", () => {
  it("stand one below the other where they are equal modules in turn", async () => {
    const structure = structureOf({
      groups: [
        { kind: "repeat", count: 3 },
        ...[0, 1, 2].map((block) => ({ parent: 0, label: `${block}` })),
      ],
      nodes: [{}, { group: 1 }, { group: 2 }, { group: 3 }, {}],
      edges: [1, 2, 3].flatMap((block): [number, number][] => [
        [0, block],
        [block, 4],
      ]),
    });
    const picture = await pictureOf(structure, [0]);
    expect(faultsOf(structure, picture, new Set([0]))).toEqual([]);
    const tops = [-2, -3, -4].map((item) => boxOf(picture, item).y);
    expect(tops).toEqual([...new Set(tops)].sort((a, b) => a - b));
  });

  it("stand below the node whose body they are", async () => {
    const structure = structureOf({
      groups: [{ kind: "subgraph", owner: 1, label: "body" }],
      nodes: [{}, { op: "Loop" }, { group: 0 }, {}, {}],
      edges: [
        [0, 1],
        [1, 3],
        [3, 4],
      ],
    });
    const picture = await pictureOf(structure, []);
    expect(boxOf(picture, -1).y).toBeGreaterThan(boxOf(picture, 1).y + 26);
  });
});

describe("hard cases", () => {
  it.each<[string, GraphSpec]>([
    ["nothing", { nodes: [], edges: [] }],
    ["an empty group", { groups: [{}, { parent: 0 }], nodes: [{}], edges: [] }],
    [
      "a circle",
      {
        nodes: [{}, {}, {}],
        edges: [
          [0, 1],
          [1, 2],
          [2, 0],
        ],
      },
    ],
    [
      "groups in a circle",
      {
        groups: [{}, {}],
        nodes: [{ group: 0 }, { group: 1 }, { group: 0 }, { group: 1 }],
        edges: [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
      },
    ],
    [
      "a subgraph beside its owner",
      {
        groups: [{ kind: "subgraph", owner: 0, label: "then_branch" }],
        nodes: [{ op: "If" }, { group: 0 }, { group: 0 }, {}],
        edges: [
          [3, 1],
          [1, 2],
          [0, 3],
        ],
      },
    ],
    ["unconnected nodes", { nodes: Array.from({ length: 70 }, () => ({})), edges: [] }],
    [
      "backward before forward",
      {
        groups: [
          { kind: "half", half: "forward" },
          { kind: "half", half: "backward" },
        ],
        nodes: [{ group: 0 }, { group: 1 }],
        edges: [[1, 0]],
      },
    ],
    ["a name of ten thousand characters", { nodes: [{ op: "W".repeat(10_000) }], edges: [] }],
    [
      "groups forty deep",
      {
        groups: Array.from({ length: 40 }, (_, depth) => ({ parent: depth - 1 })),
        nodes: [{ group: 39 }, {}],
        edges: [[0, 1]],
      },
    ],
  ])("%s", async (_, spec) => {
    const structure = structureOf(spec);
    const open = new Set(structure.groups.keys());
    for (const some of [new Set<number>(), open]) {
      const picture = await pictureOf(structure, some);
      expect(faultsOf(structure, picture, some)).toEqual([]);
    }
  });

  it("a group that ELK gives up on stands in rows, the others as ever", async () => {
    const structure = structureOf({
      groups: [{}, {}],
      nodes: [0, 0, 0, 1, 1].map((group) => ({ group })),
      edges: [
        [0, 1],
        [1, 2],
        [1, 1],
        [2, 3],
        [3, 4],
      ],
    });
    const open = new Set([0, 1]);
    const layouter = new Layouter(await layoutInput(structure), (graph) => {
      if (graph.children.length === 4) throw new ElkError("ELK could not lay out a group.");
      testElk()(graph);
    });
    const picture = await pictureOf(structure, open, layouter);
    expect(faultsOf(structure, picture, open)).toEqual([]);
    const shapes = (group: number): string[] =>
      picture.edges.filter(({ from }) => structure.parentOf(from) === group).map((e) => e.shape);
    expect(shapes(0)).toEqual(["stub", "stub", "line", "stub"]);
    expect(shapes(1)).toEqual(["line"]);
  });

  it("a level of thousands of boxes is set without ELK", async () => {
    const count = 5000;
    const structure = structureOf({
      nodes: Array.from({ length: count }, () => ({})),
      edges: Array.from({ length: count - 1 }, (_, at) => [at, at + 1]),
    });
    const picture = await pictureOf(structure, []);
    expect(picture.items).toHaveLength(count);
    expect(picture.edges.every((edge) => edge.shape === "stub")).toBe(true);
  });
});

describe("random hierarchies", () => {
  it.each(Array.from({ length: 16 }, (_, seed) => [seed]))("number %i", async (seed) => {
    const structure = structureOf(randomSpec(seed));
    const layouter = await layouterOf(structure);
    const open = new Set<number>();
    for (const group of [-1, ...structure.groups.keys()]) {
      if (group >= 0) open.add(group);
      if (group % 3 !== 2 && group !== structure.groups.length - 1) continue;
      const picture = await pictureOf(structure, open, layouter);
      expect(faultsOf(structure, picture, open)).toEqual([]);
    }
  });
});

describe("opening a group", () => {
  const wide: GraphSpec = {
    groups: Array.from({ length: 8 }, (_, index) => ({ label: `g${index}` })),
    nodes: [{}, ...Array.from({ length: 32 }, (_, at) => ({ group: at >> 2 })), {}],
    edges: [
      ...Array.from({ length: 8 }, (_, group): [number, number] => [0, 1 + group * 4]),
      ...Array.from({ length: 24 }, (_, at): [number, number] => [
        1 + Math.floor(at / 3) * 4,
        2 + at + Math.floor(at / 3),
      ]),
      ...Array.from({ length: 8 }, (_, group): [number, number] => [4 + group * 4, 33]),
      [4, 29],
      [28, 5],
    ],
  };

  it("keeps siblings in their order", async () => {
    const structure = structureOf(wide);
    const layouter = await layouterOf(structure);
    const rows = new Map<number, number>();
    for (const box of (await pictureOf(structure, [], layouter)).items) rows.set(box.item, box.y);
    const order = (picture: Picture): number[] =>
      picture.items
        .filter((box) => box.item < 0 && box.depth === 0)
        .sort(
          (a, b) =>
            (rows.get(a.item) as number) - (rows.get(b.item) as number) ||
            a.x + a.width / 2 - (b.x + b.width / 2),
        )
        .map((box) => box.item);
    const closed = order(await pictureOf(structure, [], layouter));
    for (let group = 0; group < 8; group += 1) {
      expect(order(await pictureOf(structure, [group], layouter))).toEqual(closed);
      expect(order(await pictureOf(structure, [group, (group + 3) % 8], layouter))).toEqual(closed);
    }
  });

  it("lays out that group and those around it, and equal ones once", async () => {
    const structure = structureOf(wide);
    const layouter = await layouterOf(structure);
    await pictureOf(structure, [], layouter);
    expect(layouter.elkRuns).toBe(1);
    await pictureOf(structure, [2], layouter);
    // The group, and the graph around it.
    expect(layouter.elkRuns).toBe(3);
    await pictureOf(structure, [2, 3], layouter);
    // Group 3 is like group 2.
    expect(layouter.elkRuns).toBe(4);
    await pictureOf(structure, [2], layouter);
    expect(layouter.elkRuns).toBe(4);
  });
});
