import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { GraphInspector } from "../../state/graph";

/** The state of the Graph view that everything in it shares. */
export const InspectorContext = createContext<GraphInspector | null>(null);

export function useInspector(): GraphInspector {
  const inspector = useContext(InspectorContext);
  if (inspector === null) throw new Error("Part of the Graph view was rendered outside of it.");
  return inspector;
}
