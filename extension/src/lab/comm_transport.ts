import type { Kernel, KernelMessage } from "@jupyterlab/services";
import type { JSONObject } from "@lumino/coreutils";
import {
  type CommandName,
  type CommandParams,
  type ErrorMessage,
  ownBuffer,
  type PushListener,
  type PushMessage,
  type Reply,
  type ReplyMessage,
  type StatusListener,
  type Transport,
  TransportError,
} from "../protocol";

const TARGET = "ortviz";
/** A kernel without subshells says nothing while a cell runs; then other ways are tried. */
const ANSWER_MS = 3_000;

/** A run of a kernel, newest first; the other end is `ortviz/widgets/comm.py`. */
export interface RunRow {
  run_id: string;
  name: string;
  /** Absolute, on the kernel's machine; empty without a file. */
  run_path: string;
  status: string;
  /** Whether the kernel records it, and has not only loaded it. */
  controls: boolean;
}

type Incoming =
  | { type: "runs"; runs: RunRow[] }
  | ({ type: "selected" } & RunRow)
  | ReplyMessage
  | ErrorMessage
  | PushMessage;

interface Pending {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/**
 * Asks the kernel through a comm that this page opened: such a comm is answered on a subshell
 * while a cell runs, where a widget's own messages wait until the cell has ended.
 */
export class CommTransport implements Transport {
  readonly netron = null;
  readonly #comm: Kernel.IComm;
  readonly #pending = new Map<number, Pending>();
  readonly #pushListeners = new Set<PushListener>();
  readonly #statusListeners = new Set<StatusListener>();
  readonly #firstRuns: Promise<RunRow[]>;
  #nextId = 1;
  #lost = false;
  #controls = false;

  private constructor(comm: Kernel.IComm) {
    this.#comm = comm;
    this.#firstRuns = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new TransportError("The kernel does not answer while a cell runs.", true)),
        ANSWER_MS,
      );
      comm.onMsg = (message) => {
        const data = message.content.data as unknown as Incoming;
        if (data.type === "runs") {
          clearTimeout(timer);
          resolve(data.runs);
        } else {
          this.#hear(data, message.buffers ?? []);
        }
      };
      comm.onClose = () => {
        clearTimeout(timer);
        reject(new TransportError("ortviz is not loaded in this kernel.", true));
        this.#close("The kernel closed the connection.");
      };
    });
  }

  /**
   * Open a comm and hear which runs there are.
   *
   * @throws TransportError when ortviz is not loaded in the kernel, or it does not answer.
   */
  static async open(
    kernel: Kernel.IKernelConnection,
  ): Promise<{ transport: CommTransport; runs: RunRow[] }> {
    const comm = kernel.createComm(TARGET);
    // JupyterLab before 4.4 has no subshells.
    await (comm as { subshellStarted?: Promise<void> }).subshellStarted?.catch(() => undefined);
    const transport = new CommTransport(comm);
    comm.open();
    try {
      return { transport, runs: await transport.#firstRuns };
    } catch (error) {
      transport.dispose();
      throw error;
    }
  }

  get controllable(): boolean {
    return this.#controls;
  }

  /** Speak of this run from now on. */
  select({ run_id, controls }: RunRow): void {
    this.#controls = controls;
    this.#send({ type: "select", run_id });
  }

  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    if (this.#lost) return Promise.reject(new TransportError("The kernel is gone.", true));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ type: "command", id, command, params: { ...params } as JSONObject });
    });
  }

  onPush(listener: PushListener): () => void {
    this.#pushListeners.add(listener);
    return () => this.#pushListeners.delete(listener);
  }

  onStatus(listener: StatusListener): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  dispose(): void {
    this.#close("The debugger was closed before the kernel answered.");
    this.#pushListeners.clear();
    this.#statusListeners.clear();
    if (!this.#comm.isDisposed) {
      this.#comm.close();
      this.#comm.dispose();
    }
  }

  #send(data: JSONObject): void {
    if (!this.#lost) this.#comm.send(data, undefined, undefined, true);
  }

  #hear(message: Incoming, views: NonNullable<KernelMessage.ICommMsgMsg["buffers"]>): void {
    const buffers = views.map(ownBuffer);
    if (message.type === "push") {
      for (const listener of this.#pushListeners) listener(message, buffers);
    } else if (message.type === "reply" || message.type === "error") {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (message.type === "reply") pending?.resolve({ payload: message.payload, buffers });
      else pending?.reject(new TransportError(message.message));
    }
  }

  #close(reason: string): void {
    if (this.#lost) return;
    this.#lost = true;
    for (const { reject } of this.#pending.values()) reject(new TransportError(reason, true));
    this.#pending.clear();
    for (const listener of this.#statusListeners) listener("lost");
  }
}
