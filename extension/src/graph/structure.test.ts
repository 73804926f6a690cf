import { describe, expect, it } from "vitest";
import { answerOf, type GraphSpec, structureOf } from "../../test/graph/builder";
import { itemNote, itemTitle } from "./labels";
import { GraphStructure } from "./structure";

/** A model of one outermost module with blocks, as `graph_structure` nests it. */
const MODEL: GraphSpec = {
  groups: [
    { kind: "half", half: "forward", label: "forward", module: null },
    { kind: "half", half: "backward", label: "backward", module: null },
    { parent: 0, label: "model", module: "model" },
    { parent: 2, label: "embed", module: "model.embed" },
    { parent: 2, kind: "repeat", label: "0–1", module: null, count: 2, node_count: 4000 },
    { parent: 4, label: "0", module: "model.0" },
    { parent: 4, label: "1", module: "model.1" },
    { parent: 1, kind: "repeat", label: "0–1", module: null, count: 2, half: "backward" },
    { parent: 7, label: "1", module: "model.1", half: "backward" },
    { parent: 7, label: "0", module: "model.0", half: "backward" },
    { parent: 5, kind: "subgraph", label: "then_branch", module: null, owner: 1 },
  ],
  nodes: [
    { group: 3, name: "embed", op: "Gather" },
    { group: 5, name: "if", op: "If" },
    { group: 10, name: "inner" },
    { group: 6, name: "twice" },
    { op: "YieldOp", name: "yield" },
    { group: 8, name: "twice" },
    { group: 9, name: "größe\n<b>" },
    { kind: 1, name: "input_ids" },
  ],
  edges: [
    [7, 0],
    [0, 1],
    [0, 2],
    [1, 3, 0],
    [1, 5, 1],
    [3, 4],
    [4, 5],
    [5, 6],
  ],
};

describe("GraphStructure", () => {
  const structure = structureOf(MODEL);

  it("knows what is in a group, by first node, and around a node", () => {
    expect(structure.children(-1)).toEqual([-1, 4, -2, 7]);
    expect(structure.children(2)).toEqual([-4, -5]);
    expect(structure.children(5)).toEqual([1, -11]);
    expect(structure.nodePath(2)).toEqual([0, 2, 4, 5, 10]);
    expect(structure.nodesIn(2)).toEqual([0, 1, 2, 3]);
    expect(structure.parentOf(-6)).toBe(4);
    expect(structure.parentOf(4)).toBe(-1);
  });

  it("knows which box stands for a node", () => {
    expect(structure.visibleItem(2, new Set())).toBe(-1);
    expect(structure.visibleItem(2, new Set([0, 2]))).toBe(-5);
    expect(structure.visibleItem(2, new Set([0, 2, 4, 5, 10]))).toBe(2);
    // A group in a closed one is not seen, open or not.
    expect(structure.visibleItem(2, new Set([0, 4, 5, 10]))).toBe(-3);
    expect(structure.visibleItem(4, new Set())).toBe(4);
  });

  it("follows tensors", () => {
    const [first, second] = structure.outputsOf(1);
    expect(structure.consumers(first as number)).toEqual([3]);
    expect(structure.consumers(second as number)).toEqual([5]);
    expect(structure.producer(second as number)).toBe(1);
    expect([...structure.edgesInto(5)]).toEqual([4, 6]);
    expect(structure.producer(99)).toBe(-1);
  });

  it("knows a module's groups and nodes in both halves", () => {
    expect(structure.groupsOfModule("model.1")).toEqual([6, 8]);
    expect(structure.nodesOfModule("model.1")).toEqual([3, 5]);
    expect(structure.nodesOfModule("model.0")).toEqual([1, 2, 6]);
    expect(structure.nodesOfModule("no such")).toEqual([]);
  });

  it("names groups so that other stages and halves find theirs", () => {
    expect(structure.groupKey(5)).toBe(
      "forward/module:model/repeat:model.0..model.1/module:model.0",
    );
    expect(structure.groupKey(7)).toBe("backward/repeat:model.0..model.1");
    expect(structure.groupKey(10)).toMatch(/subgraph:if\/then_branch$/);
    structure.groups.forEach((_, group) => {
      expect(structure.groupByKey(structure.groupKey(group))).toBe(group);
    });
    expect(structure.groupByKey("no such")).toBeUndefined();
  });

  it("gives two groups of one name two keys", () => {
    const twins = structureOf({ groups: [{ module: "a" }, { module: "a" }], nodes: [], edges: [] });
    expect([twins.groupKey(0), twins.groupKey(1)]).toEqual(["module:a", "module:a#2"]);
  });

  it("opens at first what would leave nothing to see", () => {
    expect([...structure.initiallyOpen()].sort()).toEqual([0, 1, 2, 7]);
  });

  it("finds names, repeated ones and those beyond ASCII", async () => {
    expect(await structure.nodesNamed("twice")).toEqual([3, 5]);
    expect(await structure.nodesNamed("größe\n<b>")).toEqual([6]);
    expect(await structure.nodesNamed("none")).toEqual([]);
    expect(await structure.valueNamed("1_output_1")).toBe(structure.outputsOf(1)[1]);
    expect(structure.nodeName(6)).toBe("größe\n<b>");
    expect(structure.nodeName(1000)).toBe("");
  });

  it("writes on boxes what they are, and how much is in them", () => {
    expect(itemTitle(structure, 0)).toBe("Gather");
    expect(itemTitle(structure, 7)).toBe("input_ids");
    expect(itemTitle(structure, -5)).toBe("0–1 × 2");
    expect(itemNote(structure, -5)).toBe("4,000 nodes");
    expect(itemNote(structure, -4)).toBe("1 node");
  });

  it("refuses a group that is not there", () => {
    expect(() => structure.group(11)).toThrow(/no group 11; it has 11/);
  });

  it("is an empty graph when there is nothing in it", () => {
    const empty = new GraphStructure(answerOf({ nodes: [], edges: [] }));
    expect(empty.children(-1)).toEqual([]);
    expect(empty.initiallyOpen().size).toBe(0);
  });
});
