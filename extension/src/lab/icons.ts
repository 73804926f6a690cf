import { LabIcon } from "@jupyterlab/ui-components";
import onnxSvg from "../../style/icons/onnx.svg";
import runSvg from "../../style/icons/run.svg";

export const onnxIcon = new LabIcon({ name: "ortviz:onnx", svgstr: onnxSvg });
export const runIcon = new LabIcon({ name: "ortviz:run", svgstr: runSvg });
