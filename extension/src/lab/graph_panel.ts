import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { Widget } from "@lumino/widgets";
import { type ModeName, ServerTransport, type StageName } from "../protocol";
import { basePath } from "./server";

/** The views are fetched when the first graph is opened. */
const views = () => import("../views");

/** A tab's content: the Graph view of one ONNX file, shown anew when it changes on disk. */
export class GraphPanel extends Widget {
  readonly #context: DocumentRegistry.Context;
  readonly #contents: Contents.IManager;
  readonly #settings: ServerConnection.ISettings;
  #transport: Promise<ServerTransport>;
  #close: () => void = () => {};

  constructor(
    context: DocumentRegistry.Context,
    contents: Contents.IManager,
    settings: ServerConnection.ISettings,
  ) {
    super();
    this.addClass("ortviz-Debugger");
    this.#context = context;
    this.#contents = contents;
    this.#settings = settings;
    // While JupyterLab looks at the file, the server reads it; once it has sent the views, which
    // it does slowly while it reads.
    this.#transport = views().then(() => this.#ask());
    void import("../graph/layout").then(({ prewarmLayout }) => prewarmLayout());
    void context.ready.then(() => this.#show());
    context.fileChanged.connect(this.#onFileChanged, this);
    context.pathChanged.connect(this.#onFileChanged, this);
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#context.fileChanged.disconnect(this.#onFileChanged, this);
    this.#context.pathChanged.disconnect(this.#onFileChanged, this);
    super.dispose();
    this.#close();
    void this.#transport.then((transport) => transport.dispose());
  }

  async #show(): Promise<void> {
    const { mountGraph } = await views();
    const transport = await this.#transport;
    if (this.isDisposed) return;
    this.#close();
    const unmount = mountGraph(this.node, transport, { graph: stageOfFile(this.#context.path) });
    this.#close = () => {
      unmount();
      transport.dispose();
    };
  }

  /** Ask for what is shown first. */
  #ask(): ServerTransport {
    const { path } = this.#context;
    const transport = new ServerTransport(
      { baseUrl: basePath(this.#settings), onnxPath: this.#contents.localPath(path) },
      () => this.#onFileChanged(),
    );
    const stage = stageOfFile(path);
    if (stage === null) transport.prefetch("graphs", {});
    else transport.prefetch("graph_structure", stage);
    return transport;
  }

  #onFileChanged(): void {
    if (!this.#context.isReady || this.isDisposed) return;
    this.#transport = Promise.resolve(this.#ask());
    void this.#show();
  }
}

const ORTMODULE_FILE =
  /_(torch_exported|post_processed|optimized_pre_grad|optimized|execution_model)_(training|inference)\.onnx$/;

/** What a file that ORTModule saved is by its name; null where it says nothing. */
function stageOfFile(path: string): { mode: ModeName; stage: StageName } | null {
  const [, stage, mode] = ORTMODULE_FILE.exec(path) ?? [];
  return stage === undefined ? null : { mode: mode as ModeName, stage: stage as StageName };
}
