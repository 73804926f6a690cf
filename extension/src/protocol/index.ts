export { CombinedTransport, type ProbedReader } from "./combined_transport";
export * from "./decode";
export { decodeFrame } from "./frame";
export type * from "./messages.gen";
export { RankTransport } from "./rank_transport";
export { netronUrl, type ServerAddress, ServerTransport, xsrfToken } from "./server_transport";
export { type StaticReport, StaticTransport } from "./static_transport";
export * from "./transport";
