import { decodeFrame } from "./frame";
import type { CommandName, CommandParams } from "./messages.gen";
import { type Reply, requestKey, type Transport, TransportError } from "./transport";

/** What `ortviz.report.write_report` puts into the page, already parsed. */
export interface StaticReport {
  format: 1;
  title: string;
  /** ISO 8601, UTC. */
  created: string;
  encoding: "gzip+base64";
  /** `command?{"sorted":"params"}` to base64 of a gzipped frame. */
  frames: Record<string, string>;
  /** The same key, or a bare command, to a sentence saying why it is not in the file. */
  missing: Record<string, string>;
  /** Sampled steps whose traces and gradients are in the file. */
  steps: number[];
  notes: string[];
  /** What is mounted; all views where empty. */
  views?: string[];
}

/** Answers from a report: nothing is live, nothing is asked of anybody. */
export class StaticTransport implements Transport {
  readonly controllable = false;
  readonly netron = null;
  readonly #report: StaticReport;

  /** @throws TransportError when the report is of another format than this viewer reads. */
  constructor(report: StaticReport) {
    if (report.format !== 1 || report.encoding !== "gzip+base64") {
      throw new TransportError(
        `This report has format ${report.format} (${report.encoding}); this viewer reads format 1. Write the report again with the installed ortviz.`,
      );
    }
    this.#report = report;
  }

  async request<C extends CommandName>(command: C, params: CommandParams[C]): Promise<Reply> {
    const key = requestKey(command, params);
    const frame = this.#report.frames[key] ?? this.#report.frames[spareKey(command, params)];
    if (frame !== undefined) return decodeFrame(await unpack(frame));
    const reason = this.#report.missing[key] ?? this.#report.missing[command];
    throw new TransportError(reason ?? `This report does not contain ${key}.`);
  }

  onPush(): () => void {
    return () => {};
  }

  dispose(): void {}
}

const SAME_FOR_ALL_RANKS: ReadonlySet<CommandName> = new Set([
  "graph_model",
  "graph_structure",
  "graph_details",
  "graph_schemas",
]);

/**
 * A range that is not in the file is answered with the whole run, which the view clips; the graph
 * of any rank with that of the run itself, since all of them run the same one.
 */
function spareKey(command: CommandName, params: object): string {
  const rank = "rank" in params ? { rank: params.rank } : {};
  if (command === "losses") return requestKey(command, rank);
  if (command === "mask_map") {
    return requestKey(command, { loss: "loss" in params ? params.loss : "mape", ...rank });
  }
  if (SAME_FOR_ALL_RANKS.has(command)) return requestKey(command, { ...params, rank: undefined });
  return requestKey(command, params);
}

async function unpack(base64: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
