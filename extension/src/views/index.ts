export { prewarmLayout } from "../graph/layout";
export { type MountOptions, mount, mountGraph } from "./mount";
