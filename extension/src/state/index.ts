export { RequestCache, Resource } from "./cache";
export * from "./modules";
export { Ranks } from "./ranks";
export { Selection } from "./selection";
export { indexAtOrBefore, neighbourStep, sampledStepFor } from "./steps";
export { DebuggerStore } from "./store";
