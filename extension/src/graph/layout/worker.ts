/** What runs in the worker; `scripts/build-worker.mjs` makes one text of it and ELK. */
import loadElk from "../../../build/elk.js";
import { breathe } from "../breathe";
import { startElk } from "./elk";
import { WorkerHost } from "./worker_host";

/** The scope of a worker, which TypeScript's library for pages does not have. */
interface DedicatedScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
}

const scope = globalThis as unknown as DedicatedScope;
const elk = startElk(loadElk);
const host = new WorkerHost(
  { post: (message, transfer) => scope.postMessage(message, transfer), breathe },
  elk,
);
scope.onmessage = (event) => host.receive(event.data);
// Whoever started this worker waits for any message before sending the first.
scope.postMessage({ type: "ready" }, []);
