import type { JupyterFrontEndPlugin } from "@jupyterlab/application";
import { debuggerPlugin } from "./debugger";
import { onnxPlugin } from "./onnx";
import { runFilesPlugin } from "./run_files";

const plugins: JupyterFrontEndPlugin<void>[] = [onnxPlugin, runFilesPlugin, debuggerPlugin];

export default plugins;
