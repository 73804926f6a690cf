export { createLayoutEngine, prewarmLayout } from "./engine";
