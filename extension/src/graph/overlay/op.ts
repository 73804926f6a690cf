import type { GraphStructure } from "../structure";
import type { Overlay } from "../types";
import { Classes } from "./classes";
import { HUES, type Hue, type Theme } from "./colours";
import { type OpClass, opClass } from "./op_class";
import { assemble } from "./parts";

const CLASSES: readonly { kind: OpClass; hue: Hue; mark: string; label: string }[] = [
  { kind: "matmul", hue: "violet", mark: "M", label: "matrix product, convolution" },
  { kind: "elementwise", hue: "green", mark: "E", label: "elementwise" },
  { kind: "normalisation", hue: "teal", mark: "N", label: "normalisation" },
  { kind: "reduction", hue: "olive", mark: "R", label: "reduction, pooling" },
  { kind: "activation", hue: "yellow", mark: "A", label: "activation" },
  { kind: "loss", hue: "rose", mark: "L", label: "loss" },
  { kind: "gradient", hue: "blue", mark: "G", label: "gradient, optimiser" },
  { kind: "control", hue: "orange", mark: "C", label: "control" },
  { kind: "shape", hue: "grey", mark: "S", label: "shape, data movement" },
  { kind: "other", hue: "mint", mark: "O", label: "other" },
];

/** What each operator is for. */
export function opOverlay(structure: GraphStructure, theme: Theme): Overlay {
  const classes = CLASSES.map(({ kind, hue, mark, label }) => ({
    label,
    mark,
    color: HUES[theme][hue],
    plain: kind === "shape",
  }));
  const numbers = new Map(CLASSES.map(({ kind }, index) => [kind, index]));
  const byOp = structure.ops.map(({ op_type }) => numbers.get(opClass(op_type)) ?? -1);
  const classOf = Int8Array.from(structure.nodeOp, (op, node) =>
    structure.nodeKind[node] === 0 ? (byOp[op] ?? -1) : -1,
  );
  const painted = new Classes(structure, classes, classOf);
  return assemble({
    name: "op",
    legend: painted.legend(),
    notes: ["Of a closed group the kinds are counted; its colour is that of most nodes."],
    node: (node) => painted.node(node),
    group: (group) => painted.group(group),
  });
}
