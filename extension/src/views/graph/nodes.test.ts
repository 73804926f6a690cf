import { describe, expect, it } from "vitest";
import { golden } from "../../../test/golden";
import { evidenceText, groupNodes, nodeOfValue, valuesOfModule } from "./nodes";
import { findStage } from "./stages";

const { nodes } = golden("graph_nodes");

describe("groupNodes", () => {
  it("lists every node in file order under its module and half", () => {
    const items = groupNodes(nodes, "");
    const listed = items.flatMap((item) => (item.kind === "node" ? [item.node.index] : []));
    expect(listed).toEqual(nodes.map((node) => node.index));
    let group: string | null = null;
    for (const item of items) {
      if (item.kind === "group") group = `${item.module}/${item.half}`;
      else expect(group).toBe(`${item.node.module}/${item.node.half}`);
    }
  });

  it("counts the nodes of each group, after the filter", () => {
    const items = groupNodes(nodes, nodes[0]?.op_type ?? "");
    const counted = items.reduce((sum, item) => sum + (item.kind === "group" ? item.count : 0), 0);
    expect(counted).toBe(items.filter((item) => item.kind === "node").length);
    expect(counted).toBeLessThan(nodes.length);
    expect(groupNodes(nodes, "no such operator")).toEqual([]);
  });
});

describe("values", () => {
  it("of a module are the outputs of its nodes and its children's", () => {
    const own = valuesOfModule(nodes, "norm");
    expect(own.length).toBeGreaterThan(0);
    for (const value of own) expect(nodeOfValue(nodes, value)?.module).toMatch(/^norm(\.|$)/);
    expect(valuesOfModule(nodes, "nor")).toEqual([]);
  });

  it("lead back to the node that makes them, not to those that read them", () => {
    const [first] = nodes;
    expect(nodeOfValue(nodes, first?.outputs[0] ?? "")).toBe(first);
    expect(nodeOfValue(nodes, null)).toBeNull();
  });
});

describe("words", () => {
  it("say how a module is known, or that it is not", () => {
    const [node] = nodes;
    if (node === undefined) throw new Error("no nodes");
    expect(evidenceText({ ...node, module: null })).toMatch(/no module/);
    expect(evidenceText({ ...node, module: "a", evidence: "gradient_of" })).toMatch(/gradient/);
  });

  it("find a stage by mode and name", () => {
    const { stages } = golden("graphs");
    expect(findStage(stages, "training", "torch_exported")?.node_count).toBe(4);
    expect(findStage(stages, "inference", "optimized")).toBeNull();
  });
});
