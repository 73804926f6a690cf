import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { WidgetTracker } from "@jupyterlab/apputils";
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { DebuggerPanel, runTransport } from "./debugger_panel";
import { runIcon } from "./icons";
import { NoContentModelFactory } from "./no_content";

const FACTORY = "ortviz debugger";
const FILE_TYPE = "ortviz";

class RunFactory extends ABCWidgetFactory<DocumentWidget<DebuggerPanel>> {
  readonly #contents: Contents.IManager;
  readonly #settings: ServerConnection.ISettings;

  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<DebuggerPanel>>,
    contents: Contents.IManager,
    settings: ServerConnection.ISettings,
  ) {
    super(options);
    this.#contents = contents;
    this.#settings = settings;
  }

  protected override createNewWidget(
    context: DocumentRegistry.Context,
  ): DocumentWidget<DebuggerPanel> {
    const path = this.#contents.localPath(context.path);
    const content = new DebuggerPanel(runTransport(this.#settings, path));
    const widget = new DocumentWidget({ content, context });
    widget.toolbar.hide();
    return widget;
  }
}

/** Opens `.ortviz` files in the debugger; a recorded run needs no kernel. */
export const runFilesPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:run-files",
  description: "Opens recorded runs of ortviz.",
  autoStart: true,
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, restorer: ILayoutRestorer | null) => {
    const { docRegistry, serviceManager } = app;
    const models = new NoContentModelFactory("ortviz-run");
    docRegistry.addModelFactory(models);
    docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: "ortviz run",
      extensions: [".ortviz"],
      mimeTypes: ["application/vnd.sqlite3"],
      fileFormat: null,
      contentType: "file",
      icon: runIcon,
    });
    const factory = new RunFactory(
      {
        name: FACTORY,
        modelName: models.name,
        fileTypes: [FILE_TYPE],
        defaultFor: [FILE_TYPE],
        readOnly: true,
      },
      serviceManager.contents,
      serviceManager.serverSettings,
    );
    docRegistry.addWidgetFactory(factory);
    const tracker = new WidgetTracker<DocumentWidget<DebuggerPanel>>({ namespace: "ortviz-run" });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = runIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    void restorer?.restore(tracker, {
      command: "docmanager:open",
      args: (widget) => ({ path: widget.context.path, factory: FACTORY }),
      name: (widget) => widget.context.path,
    });
  },
};
