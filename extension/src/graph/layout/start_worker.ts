/** Starts layout workers, from a text that is part of the bundle: no address has to be known. */
import type { WorkerLike } from "./worker_link";

/** A worker that nobody has taken after this long is ended: ELK alone holds megabytes. */
export const SPARE_MS = 60_000;

interface Spare {
  worker: Promise<WorkerLike>;
  timer: ReturnType<typeof setTimeout>;
}

let address: Promise<string> | null = null;
let spare: Spare | null = null;

/** Start a worker before it is needed: reading ELK and its first calls take half a second. */
export function prewarmLayout(): void {
  if (spare !== null) return;
  const worker = newWorker();
  const own: Spare = { worker, timer: setTimeout(() => drop(), SPARE_MS) };
  const drop = (): void => {
    clearTimeout(own.timer);
    if (spare !== own) return;
    spare = null;
    worker.then(
      (started) => started.terminate(),
      () => {},
    );
  };
  spare = own;
  worker.then((started) => {
    // Whoever takes it listens for itself.
    started.onerror = drop;
    started.postMessage({ type: "warm" });
  }, drop);
}

/** A worker that was started before, or a new one; ready for its first message. */
export function startWorker(): Promise<WorkerLike> {
  if (spare === null) return newWorker();
  const { worker, timer } = spare;
  clearTimeout(timer);
  spare = null;
  return worker;
}

/** Have the workers' text at hand, so that one starts at once when it is needed. */
export function prepareLayout(): Promise<string> {
  address ??= workerAddress();
  return address.catch((error) => {
    // The chunk with the text may come the next time it is asked for.
    address = null;
    throw error;
  });
}

async function newWorker(): Promise<WorkerLike> {
  const at = await prepareLayout();
  let worker: Worker;
  try {
    worker = new Worker(at, { name: "ortviz-layout" });
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
  return new Promise((resolve, reject) => {
    worker.onmessage = () => resolve(worker as WorkerLike);
    worker.onerror = (event) => {
      worker.terminate();
      reject(refused(event.message ?? ""));
    };
  });
}

/** @param reason What the browser said; often nothing. */
function refused(reason: string): Error {
  const said = reason === "" ? "" : ` The browser says: ${reason}`;
  return new Error(
    "The layout worker did not start, so the graph cannot be drawn here; it can be read as a " +
      "list. The page has to allow web workers, and its content policy those of blob: addresses " +
      `(worker-src blob:).${said}`,
  );
}

async function workerAddress(): Promise<string> {
  // Half a megabyte that pages without a graph need not load.
  const { layoutWorker } = await import("../../../build/layout_worker.js");
  const text = await unpacked(layoutWorker);
  return URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
}

/** The bundle carries the worker deflated: ELK is 1.6 MB, and every report has it in it. */
async function unpacked(base64: string): Promise<ArrayBuffer> {
  const text = atob(base64);
  // Not `Uint8Array.from` with a function: that holds up the page ten times as long.
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
