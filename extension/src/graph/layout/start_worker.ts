/** Starts layout workers, from a text that is part of the bundle: no address has to be known. */
import { layoutWorker } from "../../../build/layout_worker.js";
import type { WorkerLike } from "./worker_link";

let address: Promise<string> | null = null;
let spare: Promise<WorkerLike> | null = null;

/** Start a worker before it is needed: reading ELK and its first calls take half a second. */
export function prewarmLayout(): void {
  if (spare !== null) return;
  spare = newWorker();
  spare.then(
    (worker) => worker.postMessage({ type: "warm" }),
    () => {
      spare = null;
    },
  );
}

/** A worker that was started before, or a new one; ready for its first message. */
export function startWorker(): Promise<WorkerLike> {
  const worker = spare ?? newWorker();
  spare = null;
  return worker;
}

async function newWorker(): Promise<WorkerLike> {
  address ??= unpacked(layoutWorker).then((text) =>
    URL.createObjectURL(new Blob([text], { type: "text/javascript" })),
  );
  const worker = new Worker(await address, { name: "ortviz-layout" });
  return new Promise((resolve, reject) => {
    worker.onmessage = () => resolve(worker as WorkerLike);
    worker.onerror = (event) => {
      worker.terminate();
      reject(new Error(`The layout worker did not start: ${event.message || "it was refused"}.`));
    };
  });
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
