import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from "@jupyterlab/application";
import { IThemeManager, WidgetTracker } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { IFrame } from "@jupyterlab/ui-components";
import { NetronFrame, type NetronTheme } from "../netron/frame";
import { onnxIcon } from "./icons";
import { NoContentModelFactory } from "./no_content";
import { netronUrl, SERVER_MISSING, serverAnswers } from "./server";
import { themeOf } from "./theme";

const FACTORY = "Netron (ortviz)";
const FILE_TYPE = "onnx";

interface Surroundings {
  contents: Contents.IManager;
  settings: ServerConnection.ISettings;
  themes: IThemeManager | null;
}

/** A tab's content: Netron showing one file, shown anew when the file changes on disk. */
class NetronPanel extends IFrame {
  readonly #frame: NetronFrame;
  readonly #context: DocumentRegistry.Context;
  readonly #surroundings: Surroundings;

  constructor(context: DocumentRegistry.Context, surroundings: Surroundings) {
    super({ referrerPolicy: "same-origin" });
    this.#context = context;
    this.#surroundings = surroundings;
    this.addClass("ortviz-Netron");
    const element = this.node.querySelector("iframe");
    if (element === null) throw new Error("JupyterLab's IFrame has no iframe element.");
    // The page is our own, from our own server, and must speak with this one; Netron's responses
    // carry the policy that keeps it from loading anything else.
    element.removeAttribute("sandbox");
    element.title = `Netron: ${PathExt.basename(context.path)}`;
    this.#frame = new NetronFrame(element);
    void context.ready.then(() => this.#show());
    context.fileChanged.connect(this.#onFileChanged, this);
    surroundings.themes?.themeChanged.connect(this.#onTheme, this);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#context.fileChanged.disconnect(this.#onFileChanged, this);
    this.#surroundings.themes?.themeChanged.disconnect(this.#onTheme, this);
    this.#frame.dispose();
    super.dispose();
  }

  async #show(): Promise<void> {
    const { contents, settings } = this.#surroundings;
    const path = this.#context.path;
    if (!(await serverAnswers(settings))) {
      this.#say(SERVER_MISSING);
      return;
    }
    const modelUrl = await contents.getDownloadUrl(path);
    if (this.isDisposed) return;
    this.#frame.reset();
    this.url = netronUrl(settings, modelUrl, PathExt.basename(path), this.#theme());
  }

  #say(sentence: string): void {
    const paragraph = document.createElement("p");
    paragraph.className = "ortviz-Message";
    paragraph.textContent = sentence;
    this.node.replaceChildren(paragraph);
  }

  #theme(): NetronTheme {
    return themeOf(this.#surroundings.themes);
  }

  #onFileChanged(): void {
    if (this.#context.isReady) void this.#show();
  }

  #onTheme(): void {
    this.#frame.theme(this.#theme());
  }
}

class NetronFactory extends ABCWidgetFactory<DocumentWidget<NetronPanel>> {
  readonly #surroundings: Surroundings;

  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<NetronPanel>>,
    surroundings: Surroundings,
  ) {
    super(options);
    this.#surroundings = surroundings;
  }

  protected override createNewWidget(
    context: DocumentRegistry.Context,
  ): DocumentWidget<NetronPanel> {
    const content = new NetronPanel(context, this.#surroundings);
    const widget = new DocumentWidget({ content, context });
    widget.toolbar.hide();
    return widget;
  }
}

/** Opens `.onnx` files in Netron, which reads them from the server itself. */
export const onnxPlugin: JupyterFrontEndPlugin<void> = {
  id: "ortviz:onnx",
  description: "Opens ONNX models in Netron, without asking anybody outside.",
  autoStart: true,
  optional: [IThemeManager, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    themes: IThemeManager | null,
    restorer: ILayoutRestorer | null,
  ) => {
    const { docRegistry, serviceManager } = app;
    const models = new NoContentModelFactory("ortviz-onnx");
    docRegistry.addModelFactory(models);
    docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: "ONNX model",
      extensions: [".onnx"],
      mimeTypes: ["application/octet-stream"],
      fileFormat: null,
      contentType: "file",
      icon: onnxIcon,
    });
    const factory = new NetronFactory(
      {
        name: FACTORY,
        modelName: models.name,
        fileTypes: [FILE_TYPE],
        defaultFor: [FILE_TYPE],
        readOnly: true,
      },
      { contents: serviceManager.contents, settings: serviceManager.serverSettings, themes },
    );
    docRegistry.addWidgetFactory(factory);
    const tracker = new WidgetTracker<DocumentWidget<NetronPanel>>({ namespace: "ortviz-onnx" });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = onnxIcon;
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
