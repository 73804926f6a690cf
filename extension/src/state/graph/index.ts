export { GraphInspector, type LeftContent } from "./inspector";
export { type ChainLink, Lineage, type LineageAnswer } from "./lineage";
export { GraphPane } from "./pane";
export { type Hit, type SearchResult, search } from "./search";
export { nodeOfSite } from "./sites";
export type { Subject } from "./subject";
