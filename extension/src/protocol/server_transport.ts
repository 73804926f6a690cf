import { decodeFrame } from "./frame";
import type { CommandName, CommandParams, ModeName, StageName } from "./messages.gen";
import {
  errorText,
  type NetronSource,
  type Reply,
  requestKey,
  type Transport,
  TransportError,
} from "./transport";

const PROBE_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Where Jupyter Server is, and which file on its machine is meant: a run's, or an ONNX file. */
export type ServerAddress = {
  /** Ends with a slash, for example `/` or `/user/ada/`. */
  baseUrl: string;
} & ({ runPath: string } | { onnxPath: string });

/** Tells one content of an ONNX file from another; see `ortviz/server/onnx_files.py`. */
const VERSION_HEADER = "Ortviz-Version";

/**
 * Reads a run's file, or an ONNX file, through ortviz's Jupyter Server extension. It needs no
 * kernel, so it answers while a cell runs; it cannot control training.
 */
export class ServerTransport implements Transport {
  readonly controllable = false;
  readonly netron: NetronSource;
  #nextId = 1;
  #version: string | null = null;
  #changed = false;
  /** Settles with the first question about an ONNX file; the others wait for it. */
  #first: Promise<unknown> | null = null;
  /** What was said of an ONNX file that cannot be shown, whatever is asked. */
  #refused: TransportError | null = null;
  readonly #ahead = new Map<string, Promise<Reply>>();
  readonly #disposed = new AbortController();

  /**
   * @param onChanged Called once when an ONNX file is no longer the one that was first read: what
   *   was answered before does not fit what would be answered now.
   */
  constructor(
    readonly address: ServerAddress,
    readonly onChanged: () => void = () => {},
  ) {
    this.netron = {
      kind: "server",
      url: (mode, stage) => netronUrl(address, mode, stage),
    };
  }

  /** Whether there is a server that can read this run. Never rejects. */
  async probe(): Promise<boolean> {
    try {
      await this.#post("run", {}, PROBE_TIMEOUT_MS);
      return true;
    } catch {
      return false;
    }
  }

  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    const key = requestKey(command, params);
    const ahead = this.#ahead.get(key);
    this.#ahead.delete(key);
    return ahead ?? this.#post(command, params, REQUEST_TIMEOUT_MS);
  }

  /** Ask before anybody wants to know; the first who asks the same is given this answer. */
  prefetch<C extends CommandName>(command: C, params: CommandParams[C]): void {
    const reply = this.#post(command, params, REQUEST_TIMEOUT_MS);
    // Whoever asks is told that it failed.
    reply.catch(() => {});
    this.#ahead.set(requestKey(command, params), reply);
  }

  /** Ask again about a file that was refused; it may be another one now. */
  retry(): void {
    this.#first = this.#refused = null;
  }

  onPush(): () => void {
    return () => {};
  }

  dispose(): void {
    this.#ahead.clear();
    this.#disposed.abort();
  }

  /** One refusal of a file says it all: nothing more is asked of it. */
  async #post(command: CommandName, params: object, timeoutMs: number): Promise<Reply> {
    if ("runPath" in this.address) return this.#send(command, params, timeoutMs);
    if (this.#first === null) {
      const reply = this.#send(command, params, timeoutMs);
      this.#first = reply.catch(() => {});
      return reply;
    }
    await this.#first;
    if (this.#refused !== null) throw this.#refused;
    return this.#send(command, params, timeoutMs);
  }

  async #send(command: CommandName, params: object, timeoutMs: number): Promise<Reply> {
    const { route, file } = endpoint(this.address);
    const id = this.#nextId++;
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    const token = xsrfToken(document.cookie);
    if (token !== null) headers["X-XSRFToken"] = token;
    let response: Response;
    try {
      response = await fetch(`${route}/command`, {
        method: "POST",
        credentials: "same-origin",
        headers,
        body: JSON.stringify({ ...file, id, command, params }),
        signal: AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(timeoutMs)]),
      });
    } catch (error) {
      throw new TransportError(`Jupyter Server did not answer: ${errorText(error)}.`, true);
    }
    if (!response.ok) {
      const { error, ofTheFile } = await refusal(response);
      // One that could be read before may be in the middle of being written.
      if (ofTheFile && this.#version === null) this.#refused = error;
      throw error;
    }
    this.#check(response.headers.get(VERSION_HEADER));
    return decodeFrame(await response.arrayBuffer());
  }

  #check(version: string | null): void {
    this.#version ??= version;
    if (version === this.#version) return;
    if (!this.#changed && !this.#disposed.signal.aborted) {
      this.#changed = true;
      this.onChanged();
    }
    throw new TransportError("The file has changed on disk. Open it again to see it as it is now.");
  }
}

/** What belongs to the kind of file: the address below which it is asked for, and how it is named. */
function endpoint(address: ServerAddress): { route: string; file: Record<string, string> } {
  const { baseUrl } = address;
  return "runPath" in address
    ? { route: `${baseUrl}ortviz/run`, file: { run: address.runPath } }
    : { route: `${baseUrl}ortviz/onnx`, file: { path: address.onnxPath } };
}

/** A refusal in the server's own words where it gave any. */
async function refusal(response: Response): Promise<{ error: TransportError; ofTheFile: boolean }> {
  const text = await response.text().catch(() => "");
  let message = "";
  let ofTheFile = false;
  try {
    const said = JSON.parse(text) as { message?: unknown; file?: unknown };
    message = String(said.message ?? "");
    ofTheFile = said.file === true;
  } catch {
    // Not JSON: an error page of a proxy or of a server without ortviz.
  }
  const unreachable = message === "" || response.status === 404 || response.status >= 500;
  const fallback = `Jupyter Server answered ${response.status} ${response.statusText}; is ortviz's server extension enabled there?`;
  return { error: new TransportError(message || fallback, unreachable), ofTheFile };
}

/** The token Jupyter Server put in a cookie for requests that are not GET. */
export function xsrfToken(cookies: string): string | null {
  const match = /(?:^|;\s*)_xsrf=([^;]*)/.exec(cookies);
  return match?.[1] === undefined ? null : decodeURIComponent(match[1]);
}

/** The Netron page of our server, told to open one stage. */
export function netronUrl(address: ServerAddress, mode: ModeName, stage: StageName): string {
  const { route, file } = endpoint(address);
  const graph = `${route}/graph?${new URLSearchParams({ ...file, mode, stage })}`;
  const page = new URLSearchParams({ url: graph, identifier: `${stage}_${mode}.onnx` });
  return `${address.baseUrl}ortviz/netron/index.html?${page}`;
}
