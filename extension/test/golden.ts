import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Answer,
  type CommandName,
  type CommandParams,
  decodeReply,
  type PushListener,
  type Reply,
  requestKey,
  type Transport,
  TransportError,
} from "../src/protocol";

interface GoldenFile {
  command: CommandName;
  params: Record<string, unknown>;
  payload: unknown;
  buffers: string[];
  /** Base64 of a whole frame; in `frame.json` only. */
  frame?: string;
}

const HERE = dirname(fileURLToPath(import.meta.url));
const FOLDER = join(HERE, "..", "..", "tests", "contract", "golden");

/** A message that pytest reads too; they are made by `golden_messages.py`. */
export function goldenFile(name: string): GoldenFile {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8")) as GoldenFile;
}

export function goldenReply(name: string): Reply {
  const { payload, buffers } = goldenFile(name);
  return { payload, buffers: buffers.map(bytesOf) };
}

/** A golden answer, decoded. */
export function golden<C extends CommandName>(command: C, name: string = command): Answer<C> {
  return decodeReply(command, goldenReply(name));
}

export function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)).buffer;
}

/** Every golden answer of the recorded run by its question; others fail with a sentence. */
const ANSWERED = [
  "run",
  "summary",
  "losses",
  "mask_map",
  "masked_elements",
  "traces",
  "traces_nan",
  "gradients",
  "gradients_nan",
  "graphs",
  "graph_nodes",
  "graph_model",
  "graph_structure",
  "graph_details",
  "graph_schemas",
  "graph_lineage",
  "graph_lineage_first",
  "graph_overlay",
  "graph_overlay_nan",
  "graph_constant",
  "tensor_values",
  "graph_overlay",
  "graph_overlay_nan",
  "graph_overlay_exported",
  "tensor_values",
  "findings",
];
const WAITING = ["run", "summary", "losses", "mask_map", "graphs", "findings"];

/** Answers from golden messages, counts what it is asked, and pushes when told to. */
export class GoldenTransport implements Transport {
  readonly netron = null;
  readonly asked: string[] = [];
  readonly listeners = new Set<PushListener>();
  readonly answers = new Map<string, Reply>();
  /** Set to make every request fail with this sentence. */
  failure: string | null = null;

  constructor(
    kind: "recorded" | "waiting" = "recorded",
    readonly controllable = true,
  ) {
    const names = kind === "recorded" ? ANSWERED : WAITING.map((name) => `empty_${name}`);
    for (const name of names) {
      const { command, params } = goldenFile(name);
      this.answers.set(requestKey(command, params), goldenReply(name));
    }
    const losses = this.answers.get("losses?{}");
    if (losses) this.answers.set('losses?{"max_points":500}', losses);
  }

  request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    const key = requestKey(command, params);
    this.asked.push(key);
    if (this.failure !== null) return Promise.reject(new TransportError(this.failure));
    const reply = this.answers.get(key);
    return reply
      ? Promise.resolve(reply)
      : Promise.reject(new TransportError(`Nothing answers ${key}.`));
  }

  push(command: CommandName, params: Record<string, unknown>, reply: Reply): void {
    const message = { type: "push" as const, command, params, payload: reply.payload };
    for (const listener of this.listeners) listener(message, reply.buffers);
  }

  onPush(listener: PushListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispose(): void {}
}

/** The recorded summary with some of it changed; its columns stay. */
export function changedSummary(change: Record<string, unknown>): Reply {
  const { payload, buffers } = goldenReply("summary");
  return { payload: { ...(payload as object), ...change }, buffers };
}
