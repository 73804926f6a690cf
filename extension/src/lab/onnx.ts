import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { IThemeManager } from "@jupyterlab/apputils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import { prepareLayout } from "../graph/layout/start_worker";
import { type FileKind, openWith } from "./documents";
import { GraphPanel } from "./graph_panel";
import { onnxIcon } from "./icons";
import { NetronPanel } from "./netron_panel";

const KIND: FileKind = {
  name: "onnx",
  displayName: "ONNX model",
  extension: ".onnx",
  mimeType: "application/octet-stream",
  icon: onnxIcon,
};

/** Once the page has nothing better to do; Safari does not say when that is. */
function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === "function") requestIdleCallback(work);
  else setTimeout(work, 1_000);
}

/** Opens `.onnx` files in the Graph view or in Netron; the server reads them, no kernel is needed. */
export const onnxPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:onnx",
  description: "Opens ONNX models as graphs, without asking anybody outside.",
  autoStart: true,
  optional: [IThemeManager, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    themes: IThemeManager | null,
    restorer: ILayoutRestorer | null,
  ) => {
    const { contents, serverSettings: settings } = app.serviceManager;
    const graph = {
      name: "ortviz graph",
      namespace: "ortviz-graph",
      create: (context: DocumentRegistry.Context) => new GraphPanel(context, contents, settings),
    };
    const netron = {
      name: "Netron (ortviz)",
      namespace: "ortviz-onnx",
      create: (context: DocumentRegistry.Context) =>
        new NetronPanel(context, { contents, settings, themes }),
    };
    openWith(app, restorer, KIND, [graph, netron]);
    // Only its text: a worker takes ten times the memory.
    void app.restored.then(() => whenIdle(() => void prepareLayout().catch(() => {})));
  },
};
