import { inkOn } from "../../graph/scene/contrast";
import type { GraphStructure } from "../../graph/structure";
import type { Overlay } from "../../graph/types";
import type { NetronMark } from "../../netron/frame";

/** An overlay's colours for Netron, which finds nodes by the tensors they make. */
export function netronMarks(structure: GraphStructure, overlay: Overlay): NetronMark[] {
  const byColor = new Map<string, string[]>();
  for (let node = 0; node < structure.fileNodeCount; node += 1) {
    const fill = overlay.item(node)?.fill;
    const [value] = structure.outputsOf(node);
    if (fill === undefined || value === undefined) continue;
    const values = byColor.get(fill);
    if (values === undefined) byColor.set(fill, [structure.valueName(value)]);
    else values.push(structure.valueName(value));
  }
  return [...byColor].map(([color, values]) => ({ color, values, ink: inkOn(color, "#22262a") }));
}
