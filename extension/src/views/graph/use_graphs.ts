import { useStore } from "../shared/context";
import { type Shown, useResource } from "../shared/use_resource";

/**
 * Which graphs there are; asked for after the first picture where it is known which one to show,
 * because a list of files takes reading all of them.
 */
export function useGraphs(active: boolean): Shown<"graphs"> {
  const { stagePicked, graphSeen } = useStore().selection;
  return useResource("graphs", {}, active && (!stagePicked.value || graphSeen.value));
}
