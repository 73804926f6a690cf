export { type MountOptions, mount, mountGraph } from "./mount";
