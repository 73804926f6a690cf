import type { AnyModel } from "@anywidget/types";
import {
  type CommandMessage,
  type CommandName,
  type CommandParams,
  type ConnectionStatus,
  type ErrorMessage,
  type NetronSource,
  ownBuffer,
  type PushListener,
  type PushMessage,
  type Reply,
  type ReplyMessage,
  type StatusListener,
  type Transport,
  TransportError,
} from "../protocol";

/** Unanswered for this long, the kernel is taken to be busy with a cell. */
const BUSY_AFTER_MS = 1_500;

/** Shared by all transports of the page, because the views of one model all hear its messages. */
let nextId = 1;

type Incoming = ReplyMessage | ErrorMessage | PushMessage;

interface Pending {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** The part of an anywidget model that carries messages. */
export type MessageModel = Pick<AnyModel, "on" | "off" | "send">;

/**
 * Asks the kernel through the widget's message channel. While a cell runs the kernel does not
 * answer; requests then wait, without a limit, and the status says so.
 */
export class KernelTransport implements Transport {
  readonly #model: MessageModel;
  readonly #pending = new Map<number, Pending>();
  readonly #pushListeners = new Set<PushListener>();
  readonly #statusListeners = new Set<StatusListener>();
  readonly #hear = (message: Incoming, buffers: DataView[]) => this.#received(message, buffers);
  #status: ConnectionStatus = "ready";
  #busyTimer: ReturnType<typeof setTimeout> | null = null;

  /**
   * @param model The widget's model.
   * @param netron Where Netron comes from when there is no server.
   * @param controllable Whether the kernel records the run, and has not only loaded it.
   */
  constructor(
    model: MessageModel,
    readonly netron: NetronSource | null = null,
    readonly controllable = true,
  ) {
    this.#model = model;
    model.on("msg:custom", this.#hear);
  }

  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    const id = nextId++;
    const message: CommandMessage = { type: "command", id, command, params: { ...params } };
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#busyTimer ??= setTimeout(() => this.#setStatus("busy"), BUSY_AFTER_MS);
      this.#model.send(message);
    });
  }

  onPush(listener: PushListener): () => void {
    this.#pushListeners.add(listener);
    return () => this.#pushListeners.delete(listener);
  }

  onStatus(listener: StatusListener): () => void {
    this.#statusListeners.add(listener);
    listener(this.#status);
    return () => this.#statusListeners.delete(listener);
  }

  dispose(): void {
    this.#model.off("msg:custom", this.#hear);
    this.#pushListeners.clear();
    this.#statusListeners.clear();
    this.#clearBusyTimer();
    for (const { reject } of this.#pending.values()) {
      reject(new TransportError("The debugger was closed before the kernel answered."));
    }
    this.#pending.clear();
  }

  #received(message: Incoming, views: DataView[] | undefined): void {
    const buffers = (views ?? []).map(ownBuffer);
    if (message.type === "push") {
      for (const listener of this.#pushListeners) listener(message, buffers);
      return;
    }
    const pending = this.#pending.get(message.id);
    // Every view of one widget hears every answer; ids that are not ours belong to another.
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    this.#clearBusyTimer();
    this.#setStatus("ready");
    if (message.type === "reply") pending.resolve({ payload: message.payload, buffers });
    else pending.reject(new TransportError(message.message));
  }

  #clearBusyTimer(): void {
    if (this.#busyTimer !== null) clearTimeout(this.#busyTimer);
    this.#busyTimer = null;
  }

  #setStatus(status: ConnectionStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }
}
