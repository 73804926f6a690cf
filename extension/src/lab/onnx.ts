import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";

/** Registers the `.onnx` file type, so that models have a name and an icon in the file browser. */
export const onnxPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:onnx",
  description: "Opens ONNX models in Netron.",
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    app.docRegistry.addFileType({
      name: "onnx",
      displayName: "ONNX model",
      extensions: [".onnx"],
      mimeTypes: ["application/octet-stream"],
      fileFormat: null,
      contentType: "file",
    });
  },
};
