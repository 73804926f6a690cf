/** The part of plotly.js that is bundled has the types of the whole. */
declare module "plotly.js-cartesian-dist-min" {
  export * from "plotly.js";
}

/** Style sheets are collected by the bundler into one file beside the module. */
declare module "*.css";

declare module "*.svg" {
  const source: string;
  export default source;
}

/** Both are made by `scripts/build-worker.mjs`. */
declare module "*/build/elk.js" {
  const loadElk: (self: object) => void;
  export default loadElk;
}

declare module "*/build/layout_worker.js" {
  /** The layout worker's script, gzip in base64. */
  export const layoutWorker: string;
}
