/** The worker's side: keeps one structure, does one layout at a time, listens in between. */
import type { RunElk } from "./elk";
import { Layouter } from "./layouter";
import { buffersOf, type FromWorker, type ToWorker } from "./messages";
import { warmUp } from "./warm_up";

/** Messages are let in after this long, and progress is told. */
const SLICE_MS = 30;

class Cancelled extends Error {}

/** What a worker's global scope has of use here. */
export interface WorkerScope {
  post(message: FromWorker, transfer: ArrayBuffer[]): void;
  /** Resolves once messages that wait have been received. */
  breathe(): Promise<void>;
}

export class WorkerHost {
  #layouter: Layouter | null = null;
  readonly #cancelled = new Set<number>();
  #queue: Promise<void> = Promise.resolve();
  /** Something was asked for; before that there is time for practice. */
  #asked = false;

  constructor(
    readonly scope: WorkerScope,
    readonly elk: RunElk,
  ) {}

  receive(message: ToWorker): void {
    if (message.type === "warm") {
      // Practice that fails is no reason not to do the real work.
      this.#queue = this.#queue
        .then(() => warmUp(this.elk, this.scope.breathe, () => this.#asked))
        .catch(() => {});
      return;
    }
    this.#asked = true;
    if (message.type === "structure") this.#layouter = new Layouter(message.input, this.elk);
    else if (message.type === "cancel") this.#cancelled.add(message.id);
    else this.#queue = this.#queue.then(() => this.#layout(message.id, message.open));
  }

  async #layout(id: number, open: Int32Array): Promise<void> {
    const { scope } = this;
    let sliceEnd = performance.now() + SLICE_MS;
    let progress: FromWorker = { type: "progress", id, done: 0, total: 0 };
    const pause = async (): Promise<void> => {
      if (performance.now() < sliceEnd) return;
      scope.post(progress, []);
      await scope.breathe();
      this.#stopIfCancelled(id);
      sliceEnd = performance.now() + SLICE_MS;
    };
    try {
      await scope.breathe();
      this.#stopIfCancelled(id);
      if (this.#layouter === null) throw new Error("The layout worker was given no graph.");
      const picture = await this.#layouter.layout(open, pause, (done, total) => {
        progress = { type: "progress", id, done, total };
      });
      scope.post(progress, []);
      scope.post({ type: "done", id, picture }, buffersOf(picture));
    } catch (error) {
      if (error instanceof Cancelled) scope.post({ type: "cancelled", id }, []);
      else scope.post({ type: "failed", id, message: String(error) }, []);
    } finally {
      this.#cancelled.delete(id);
    }
  }

  #stopIfCancelled(id: number): void {
    if (this.#cancelled.has(id)) throw new Cancelled();
  }
}
