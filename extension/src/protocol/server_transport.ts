import { decodeFrame } from "./frame";
import type { CommandName, CommandParams, ModeName, StageName } from "./messages.gen";
import {
  errorText,
  type NetronSource,
  type Reply,
  type Transport,
  TransportError,
} from "./transport";

const PROBE_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Where Jupyter Server is and which run's file is meant. */
export interface ServerAddress {
  /** Ends with a slash, for example `/` or `/user/ada/`. */
  baseUrl: string;
  /** The run's file on the server's machine. */
  runPath: string;
}

/**
 * Reads the run's file through ortviz's Jupyter Server extension. It needs no kernel, so it
 * answers while a cell runs; it cannot control training.
 */
export class ServerTransport implements Transport {
  readonly controllable = false;
  readonly netron: NetronSource;
  #nextId = 1;
  readonly #disposed = new AbortController();

  constructor(readonly address: ServerAddress) {
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
    return this.#post(command, params, REQUEST_TIMEOUT_MS);
  }

  onPush(): () => void {
    return () => {};
  }

  dispose(): void {
    this.#disposed.abort();
  }

  async #post(command: CommandName, params: object, timeoutMs: number): Promise<Reply> {
    const { baseUrl, runPath } = this.address;
    const id = this.#nextId++;
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    const token = xsrfToken(document.cookie);
    if (token !== null) headers["X-XSRFToken"] = token;
    let response: Response;
    try {
      response = await fetch(`${baseUrl}ortviz/run/command`, {
        method: "POST",
        credentials: "same-origin",
        headers,
        body: JSON.stringify({ run: runPath, id, command, params }),
        signal: AbortSignal.any([this.#disposed.signal, AbortSignal.timeout(timeoutMs)]),
      });
    } catch (error) {
      throw new TransportError(`Jupyter Server did not answer: ${errorText(error)}.`, true);
    }
    if (!response.ok) throw await refusal(response);
    return decodeFrame(await response.arrayBuffer());
  }
}

/** A refusal in the server's own words where it gave any. */
async function refusal(response: Response): Promise<TransportError> {
  const text = await response.text().catch(() => "");
  let message = "";
  try {
    message = String((JSON.parse(text) as { message?: unknown }).message ?? "");
  } catch {
    // Not JSON: an error page of a proxy or of a server without ortviz.
  }
  const unreachable = message === "" || response.status === 404 || response.status >= 500;
  const fallback = `Jupyter Server answered ${response.status} ${response.statusText}; is ortviz's server extension enabled there?`;
  return new TransportError(message || fallback, unreachable);
}

/** The token Jupyter Server put in a cookie for requests that are not GET. */
export function xsrfToken(cookies: string): string | null {
  const match = /(?:^|;\s*)_xsrf=([^;]*)/.exec(cookies);
  return match?.[1] === undefined ? null : decodeURIComponent(match[1]);
}

/** The Netron page of our server, told to open one stage of the run. */
export function netronUrl(address: ServerAddress, mode: ModeName, stage: StageName): string {
  const query = new URLSearchParams({ run: address.runPath, mode, stage });
  const graph = `${address.baseUrl}ortviz/run/graph?${query}`;
  const page = new URLSearchParams({ url: graph, identifier: `${stage}_${mode}.onnx` });
  return `${address.baseUrl}ortviz/netron/index.html?${page}`;
}
