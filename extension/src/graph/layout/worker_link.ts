/** The page's side of one worker: starts it, answers by number, ends it when it does not stop. */
import type { FromWorker, LayoutInput, PackedPicture, ToWorker } from "./messages";
import { startWorker } from "./start_worker";

/** A worker that has not stopped after this long is in a long call of ELK, and is ended. */
const PATIENCE_MS = 150;
/** A worker that was asked for nothing for this long is ended; the next question starts another. */
export const IDLE_MS = 300_000;

/** What a `Worker` has that is used here; tests have one without a thread. */
export interface WorkerLike {
  postMessage(message: ToWorker, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: { data: FromWorker }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
}

interface Job {
  open: Int32Array;
  resolve(picture: PackedPicture): void;
  reject(error: unknown): void;
  onProgress(done: number, total: number): void;
}

export class WorkerLink {
  #worker: Promise<WorkerLike> | null = null;
  /** The same, once it runs. */
  #running: WorkerLike | null = null;
  #input: Promise<LayoutInput> | null = null;
  readonly #jobs = new Map<number, Job>();
  readonly #stopping = new Map<number, ReturnType<typeof setTimeout>>();
  #idle: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #disposed = false;

  constructor(
    readonly input: () => Promise<LayoutInput>,
    readonly start: () => Promise<WorkerLike> = startWorker,
  ) {}

  /** Ask for a picture. The number is for {@link cancel}. */
  ask(job: Job): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#disposed) {
      job.reject(closed());
      return id;
    }
    this.#jobs.set(id, job);
    this.#send({ type: "layout", id, open: job.open });
    return id;
  }

  /** Stop working on a picture; its promise is the caller's to reject. */
  cancel(id: number): void {
    const [current] = this.#jobs.keys();
    if (!this.#jobs.delete(id)) return;
    this.#send({ type: "cancel", id });
    // What has not begun yet is dropped when its turn comes.
    if (this.#running === null || id !== current) return;
    this.#stopping.set(
      id,
      setTimeout(() => this.#restart(), PATIENCE_MS),
    );
  }

  dispose(): void {
    this.#disposed = true;
    this.#end();
    for (const job of this.#jobs.values()) job.reject(closed());
    this.#jobs.clear();
  }

  #send(message: ToWorker): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#rest(), IDLE_MS);
    this.#worker ??= this.#started();
    this.#worker.then(
      (worker) => worker.postMessage(message),
      (error) => this.#fail(error),
    );
  }

  async #started(): Promise<WorkerLike> {
    this.#input ??= this.input();
    const [started, prepared] = await Promise.allSettled([this.start(), this.#input]);
    if (started.status === "rejected") throw started.reason;
    const worker = started.value;
    if (this.#disposed || prepared.status === "rejected") {
      worker.terminate();
      throw prepared.status === "rejected" ? prepared.reason : closed();
    }
    this.#running = worker;
    worker.onmessage = (event) => this.#receive(event.data);
    worker.onerror = (event) => {
      this.#end();
      this.#fail(new Error(`The layout worker failed: ${event.message ?? "no reason was given"}.`));
    };
    worker.postMessage({ type: "structure", input: prepared.value });
    return worker;
  }

  #receive(message: FromWorker): void {
    if (message.type === "ready") return;
    const job = this.#jobs.get(message.id);
    if (message.type === "progress") {
      job?.onProgress(message.done, message.total);
      return;
    }
    clearTimeout(this.#stopping.get(message.id));
    this.#stopping.delete(message.id);
    this.#jobs.delete(message.id);
    if (message.type === "done") job?.resolve(message.picture);
    if (message.type === "failed") job?.reject(new Error(message.message));
  }

  /** End the worker in the middle of its work, and give another one what still waits. */
  #restart(): void {
    this.#end();
    for (const [id, { open }] of this.#jobs) this.#send({ type: "layout", id, open });
  }

  #rest(): void {
    if (this.#jobs.size === 0) this.#end();
    else this.#idle = setTimeout(() => this.#rest(), IDLE_MS);
  }

  #end(): void {
    clearTimeout(this.#idle);
    for (const timer of this.#stopping.values()) clearTimeout(timer);
    this.#stopping.clear();
    const worker = this.#running;
    this.#worker = null;
    this.#running = null;
    if (worker === null) return;
    worker.onmessage = null;
    worker.onerror = null;
    worker.terminate();
  }

  #fail(error: unknown): void {
    // The next one that is asked for starts anew.
    this.#worker = null;
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
  }
}

const closed = (): DOMException => new DOMException("The graph was closed.", "AbortError");
