export { createScene } from "./scene";
