import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { Widget } from "@lumino/widgets";
import { prewarmLayout } from "../graph/layout/start_worker";
import { type ModeName, ServerTransport, type StageName } from "../protocol";
import { notShown, say } from "./say";
import { basePath } from "./server";

/** A tab's content: the Graph view of one ONNX file, shown anew when it changes on disk. */
export class GraphPanel extends Widget {
  readonly #context: DocumentRegistry.Context;
  readonly #contents: Contents.IManager;
  readonly #settings: ServerConnection.ISettings;
  /** Answers for the file as it was last seen; null until somebody has asked. */
  #transport: ServerTransport | null = null;
  /** The file's path when that was asked. */
  #asked = "";
  /** The browser fetches them while it has nothing else to do. */
  readonly #views = import(/* webpackPrefetch: true */ "../views");
  #unmount: () => void = () => {};

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
    prewarmLayout();
    // While JupyterLab looks at the file, the server reads it.
    if (this.#isOnServer()) this.#ask();
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
  }

  /** Other drives have files of the same names, which the server knows nothing of. */
  #isOnServer(): boolean {
    return OWN_DRIVES.includes(this.#contents.driveName(this.#context.path));
  }

  async #show(): Promise<void> {
    if (!this.#isOnServer()) {
      say(this.node, OTHER_DRIVE);
      return;
    }
    try {
      const { mountGraph } = await this.#views;
      if (this.isDisposed) return;
      this.#unmount();
      const graph = stageOfFile(this.#context.path);
      this.#unmount = mountGraph(this.node, this.#ask(), { graph });
    } catch (error) {
      say(this.node, notShown("graph", error));
    }
  }

  /** Ask for what is shown first, unless that was done. */
  #ask(): ServerTransport {
    const { path } = this.#context;
    if (this.#transport !== null && this.#asked === path) return this.#transport;
    // It was renamed while JupyterLab was opening it.
    this.#transport?.dispose();
    this.#asked = path;
    const transport = new ServerTransport(
      { baseUrl: basePath(this.#settings), onnxPath: this.#contents.localPath(path) },
      () => this.#onFileChanged(),
    );
    this.#transport = transport;
    const stage = stageOfFile(path);
    if (stage === null) transport.prefetch("graphs", {});
    else transport.prefetch("graph_structure", stage);
    return transport;
  }

  #onFileChanged(): void {
    if (!this.#context.isReady || this.isDisposed) return;
    this.#close();
    void this.#show();
  }

  #close(): void {
    this.#unmount();
    this.#unmount = () => {};
    this.#transport?.dispose();
    this.#transport = null;
  }
}

/** Jupyter Server's own folder; jupyter-collaboration shows it as a drive of that name. */
const OWN_DRIVES: readonly string[] = ["", "RTC"];
const OTHER_DRIVE =
  "This file lies on another drive, where Jupyter Server cannot read it. Copy it into a folder of " +
  "the server's own and open it there.";

const ORTMODULE_FILE =
  /_(torch_exported|post_processed|optimized_pre_grad|optimized|execution_model)_(training|inference)\.onnx$/;

/** What a file that ORTModule saved is by its name; null where it says nothing. */
function stageOfFile(path: string): { mode: ModeName; stage: StageName } | null {
  const [, stage, mode] = ORTMODULE_FILE.exec(path) ?? [];
  return stage === undefined ? null : { mode: mode as ModeName, stage: stage as StageName };
}
