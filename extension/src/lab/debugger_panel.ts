import type { ServerConnection } from "@jupyterlab/services";
import { Widget } from "@lumino/widgets";
import { CombinedTransport, ServerTransport, type Transport } from "../protocol";
import { notShown, say } from "./say";
import { basePath } from "./server";

/** A tab's content: the five views of one run. */
export class DebuggerPanel extends Widget {
  readonly #transport: Transport;
  #unmount: (() => void) | null = null;

  /** @param transport Where answers come from; belongs to the panel from now on. */
  constructor(transport: Transport) {
    super();
    this.addClass("ortviz-Debugger");
    this.#transport = transport;
    void this.#mount();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    super.dispose();
    this.#unmount?.();
    this.#transport.dispose();
  }

  async #mount(): Promise<void> {
    try {
      // The views are fetched when the first debugger is opened.
      const { mount } = await import("../views");
      if (!this.isDisposed) this.#unmount = mount(this.node, this.#transport);
    } catch (error) {
      say(this.node, notShown("debugger", error));
    }
  }
}

/** Reads a run's file through the server; `runPath` is absolute or as in the file browser. */
export function runTransport(
  settings: ServerConnection.ISettings,
  runPath: string,
): ServerTransport {
  return new ServerTransport({ baseUrl: basePath(settings), runPath });
}

/** The server where it can read the run's file, beside a live kernel. */
export function liveTransport(
  settings: ServerConnection.ISettings,
  kernel: Transport,
  runPath: string,
): Transport {
  if (runPath === "") return kernel;
  return new CombinedTransport(kernel, runTransport(settings, runPath));
}
