import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { DebuggerPanel, runTransport } from "./debugger_panel";
import { type FileKind, openWith } from "./documents";
import { runIcon } from "./icons";

const KIND: FileKind = {
  name: "ortviz",
  displayName: "ortviz run",
  extension: ".ortviz",
  mimeType: "application/vnd.sqlite3",
  icon: runIcon,
};

/** Opens `.ortviz` files in the debugger; a recorded run needs no kernel. */
export const runFilesPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:run-files",
  description: "Opens recorded runs of ortviz.",
  autoStart: true,
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, restorer: ILayoutRestorer | null) => {
    const { contents, serverSettings } = app.serviceManager;
    const debug = {
      name: "ortviz debugger",
      namespace: "ortviz-run",
      create: ({ path }: { path: string }) =>
        new DebuggerPanel(runTransport(serverSettings, contents.localPath(path))),
    };
    openWith(app, restorer, KIND, [debug]);
  },
};
