import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { onnxPlugin } from "./onnx";

const plugins: JupyterFrontEndPlugin<void>[] = [onnxPlugin];

export default plugins;
