import type { IThemeManager } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import type { DocumentRegistry } from "@jupyterlab/docregistry";
import type { Contents, ServerConnection } from "@jupyterlab/services";
import { IFrame } from "@jupyterlab/ui-components";
import { NetronFrame, type NetronTheme } from "../netron/frame";
import { say } from "./say";
import { netronUrl, SERVER_MISSING, serverAnswers } from "./server";
import { themeOf } from "./theme";

/** What a tab needs of JupyterLab. */
export interface Surroundings {
  contents: Contents.IManager;
  settings: ServerConnection.ISettings;
  themes: IThemeManager | null;
}

/** A tab's content: Netron showing one file, shown anew when the file changes on disk. */
export class NetronPanel extends IFrame {
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
      say(this.node, SERVER_MISSING);
      return;
    }
    const modelUrl = await contents.getDownloadUrl(path);
    // Netron cannot lay out without a size, as in a tab that is restored behind another one.
    await onceSized(this.node);
    if (this.isDisposed) return;
    this.#frame.reset();
    this.url = netronUrl(settings, modelUrl, PathExt.basename(path), this.#theme());
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

/** Resolves once an element has a size; one that is never shown keeps waiting. */
function onceSized(node: HTMLElement): Promise<void> {
  return new Promise((resolve) => {
    const observer = new ResizeObserver(() => {
      if (node.clientWidth === 0 || node.clientHeight === 0) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(node);
  });
}
