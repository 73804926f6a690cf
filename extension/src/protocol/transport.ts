import type { CommandName, CommandParams, ModeName, PushMessage, StageName } from "./messages.gen";

/** An answer as it came: JSON and the binary buffers its columns refer to. */
export interface Reply {
  payload: unknown;
  buffers: ArrayBuffer[];
}

/** Whether whoever answers is reachable at the moment. */
export type ConnectionStatus = "ready" | "busy" | "lost";

/** Where Netron comes from: a page of our server, or one HTML document that needs no server. */
export type NetronSource =
  | { kind: "server"; url(mode: ModeName, stage: StageName): string }
  | { kind: "document"; html(): Promise<string> };

export type PushListener = (message: PushMessage, buffers: ArrayBuffer[]) => void;
export type StatusListener = (status: ConnectionStatus) => void;

/** The seam between the views and whoever answers them: kernel, server or a file. */
export interface Transport {
  /**
   * Ask for something.
   *
   * @throws TransportError with a sentence for a person.
   */
  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply>;
  /** Somebody wants to try again what was refused; where nothing is remembered, left out. */
  retry?(): void;
  /** Hear what is sent unasked; returns how to stop. */
  onPush(listener: PushListener): () => void;
  /** Hear whether requests are being answered; returns how to stop. */
  onStatus?(listener: StatusListener): () => void;
  /** Whether `control` is answered: there is a live kernel behind it. */
  readonly controllable: boolean;
  readonly netron: NetronSource | null;
  dispose(): void;
}

/** A request failed; the message says what happened and, where known, what to do. */
export class TransportError extends Error {
  override name = "TransportError";

  /**
   * @param message A sentence for a person.
   * @param unreachable Nobody answered, so that another way may be tried.
   */
  constructor(
    message: string,
    readonly unreachable = false,
  ) {
    super(message);
  }
}

/** Parameters as text that does not depend on the order in which they were written. */
export function requestKey(command: CommandName, params: object): string {
  const entries = Object.entries(params)
    .filter(([, value]) => value !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `${command}?${JSON.stringify(Object.fromEntries(entries))}`;
}

/** The sentence inside anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
