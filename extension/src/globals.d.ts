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
