export { GraphInspector, type LeftContent, type Subject } from "./inspector";
export { type ChainLink, Lineage, type LineageAnswer } from "./lineage";
export { GraphPane } from "./pane";
export { type Hit, type SearchResult, search } from "./search";
