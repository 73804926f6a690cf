/** Calling ELK without its own message queue: an answer per call, in the same turn. */

export interface ElkPort {
  id: string;
  x?: number;
  y?: number;
  width: number;
  height: number;
  layoutOptions: Record<string, string>;
}

export interface ElkBox {
  id: string;
  x?: number;
  y?: number;
  width: number;
  height: number;
  ports: ElkPort[];
  layoutOptions: Record<string, string>;
}

interface ElkPoint {
  x: number;
  y: number;
}

export interface ElkLine {
  id: string;
  sources: [string];
  targets: [string];
  sections?: { startPoint: ElkPoint; endPoint: ElkPoint; bendPoints?: ElkPoint[] }[];
}

export interface ElkGraph {
  id: string;
  layoutOptions: Record<string, string>;
  children: ElkBox[];
  edges: ElkLine[];
  width?: number;
  height?: number;
}

/** ELK gave up on a graph. */
export class ElkError extends Error {}

/** Fills in the places of boxes, ports and lines. @throws ElkError when ELK gives up. */
export type RunElk = (graph: ElkGraph) => void;

/** What ELK takes for its worker: it sets `onmessage` and answers through `postMessage`. */
interface ElkScope {
  postMessage(answer: { error?: unknown }): void;
  onmessage?: (event: { data: unknown }) => void;
}

/**
 * @param load ELK's worker script as a function of the global names it looks for (`build/elk.js`).
 */
export function startElk(load: (self: object) => void): RunElk {
  let answer: { error?: unknown } = {};
  // ELK reads JavaScript's own classes from the scope it is given.
  // Own properties: a worker's scope has setters of these names that only it may call.
  const scope: ElkScope = Object.create(globalThis, {
    onmessage: { value: undefined, writable: true },
    postMessage: {
      value: (message: { error?: unknown }) => {
        answer = message;
      },
    },
  });
  load(scope);
  const ask = (data: object): void => {
    scope.onmessage?.({ data });
    if (answer.error) throw new ElkError(describe(answer.error));
  };
  ask({ cmd: "register", id: 0, algorithms: ["layered"] });
  return (graph) => ask({ cmd: "layout", id: 0, graph });
}

/** ELK throws errors of its own, with the message in different places. */
function describe(error: unknown): string {
  const { message, value } = error as { message?: string; value?: string };
  return `ELK could not lay out a group: ${message || value || String(error)}`;
}
