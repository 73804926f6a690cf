import type { Answer } from "../../protocol";
import type { GraphStructure } from "../structure";
import type { Overlay, PlacedEdge } from "../types";
import { Classes } from "./classes";
import { HUES, type Hue, type Theme } from "./colours";
import { plural } from "./numbers";
import { assemble } from "./parts";

export type DetailsAnswer = Answer<"graph_details">;

const CLASSES: readonly { hue: Hue; mark: string; label: string; names: readonly string[] }[] = [
  { hue: "teal", mark: "f32", label: "float32", names: ["float32", "float"] },
  { hue: "violet", mark: "f16", label: "float16", names: ["float16"] },
  { hue: "rose", mark: "bf16", label: "bfloat16", names: ["bfloat16"] },
  { hue: "olive", mark: "f64", label: "float64", names: ["float64", "double"] },
  { hue: "orange", mark: "f8", label: "float8, float4", names: [] },
  { hue: "yellow", mark: "int", label: "integer", names: [] },
  { hue: "blue", mark: "bool", label: "boolean", names: ["bool"] },
  { hue: "mint", mark: "str", label: "text", names: ["string"] },
  { hue: "grey", mark: "…", label: "other", names: [] },
];
const OTHER = CLASSES.length - 1;
const BY_NAME = new Map(CLASSES.flatMap(({ names }, index) => names.map((name) => [name, index])));

/** The class of a dtype by ONNX's or numpy's name; −1 where it is not known. */
function dtypeClass(dtype: string): number {
  const name = dtype.toLowerCase();
  if (name === "" || name === "?" || name === "undefined") return -1;
  const known = BY_NAME.get(name);
  if (known !== undefined) return known;
  if (/^float[48]/.test(name)) return CLASSES.findIndex(({ mark }) => mark === "f8");
  if (/^u?int\d+$/.test(name)) return CLASSES.findIndex(({ mark }) => mark === "int");
  return OTHER;
}

/** The dtype class of each value, as far as the details of its node are known; else −1. */
function valueDtypes(structure: GraphStructure, details: readonly DetailsAnswer[]): Int8Array {
  const found = new Int8Array(structure.valueCount).fill(-1);
  for (const { nodes } of details) {
    for (const { node, outputs } of nodes) {
      const values = structure.outputsOf(node);
      const present = outputs.filter(({ kind }) => kind !== "absent");
      present.forEach(({ dtype }, place) => {
        const value = values[place];
        if (value !== undefined) found[value] = dtypeClass(dtype);
      });
    }
  }
  return found;
}

/** The kind of number in each tensor. */
export function dtypeOverlay(
  structure: GraphStructure,
  details: readonly DetailsAnswer[],
  theme: Theme,
): Overlay {
  const classes = CLASSES.map(({ hue, mark, label }) => ({ mark, label, color: HUES[theme][hue] }));
  const dtypes = valueDtypes(structure, details);
  const classOf = new Int8Array(structure.nodeCount).fill(-1);
  for (let value = structure.valueCount - 1; value >= 0; value -= 1) {
    // The first output is what a node is for.
    if (dtypes[value] !== -1) classOf[structure.producer(value)] = dtypes[value] as number;
  }
  const unknownCount = dtypes.reduce((count, dtype) => count + Number(dtype < 0), 0);
  const painted = new Classes(structure, classes, classOf);
  const edge = ({ edges }: PlacedEdge) => {
    let only = -1;
    for (const each of edges) {
      const dtype = dtypes[structure.edgeValue[each] as number] ?? -1;
      if (dtype < 0 || (only >= 0 && only !== dtype)) return null;
      only = dtype;
    }
    return only < 0 ? null : { color: classes[only]?.color ?? "", width: 1.5 };
  };
  return assemble({
    name: "dtype",
    legend: painted.legend(),
    notes:
      unknownCount === 0 ? [] : [`The dtype of ${plural(unknownCount, "tensor")} is not known.`],
    node: (node) => painted.node(node),
    group: (group) => painted.group(group),
    edge,
  });
}
