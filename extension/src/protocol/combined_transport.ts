import type { CommandName, CommandParams } from "./messages.gen";
import {
  type NetronSource,
  type PushListener,
  type Reply,
  type StatusListener,
  type Transport,
  TransportError,
} from "./transport";

/** A reader that may not be there, and can be asked whether it is. */
export interface ProbedReader extends Transport {
  probe(): Promise<boolean>;
}

/**
 * Reads through the server where there is one, because it answers while the kernel is busy;
 * controls and hears pushes through the kernel, which also reads where there is no server.
 */
export class CombinedTransport implements Transport {
  readonly #kernel: Transport;
  readonly #server: ProbedReader;
  readonly #serverReads: Promise<boolean>;
  #serverAnswers: boolean | null = null;

  constructor(kernel: Transport, server: ProbedReader) {
    this.#kernel = kernel;
    this.#server = server;
    this.#serverReads = server.probe().then((answers) => {
      this.#serverAnswers = answers;
      return answers;
    });
  }

  get controllable(): boolean {
    return this.#kernel.controllable;
  }

  /** The server's Netron, unless it is known not to answer. */
  get netron(): NetronSource | null {
    return this.#serverAnswers === false ? this.#kernel.netron : this.#server.netron;
  }

  async request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    if (command === "control" || !(await this.#serverReads)) {
      return this.#kernel.request(command, params);
    }
    try {
      return await this.#server.request(command, params);
    } catch (error) {
      if (error instanceof TransportError && error.unreachable) {
        return this.#kernel.request(command, params);
      }
      throw error;
    }
  }

  retry(): void {
    this.#server.retry?.();
  }

  onPush(listener: PushListener): () => void {
    return this.#kernel.onPush(listener);
  }

  onStatus(listener: StatusListener): () => void {
    return this.#kernel.onStatus?.(listener) ?? (() => {});
  }

  dispose(): void {
    this.#server.dispose();
    this.#kernel.dispose();
  }
}
