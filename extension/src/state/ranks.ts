import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { RankTransport, type Transport } from "../protocol";
import { DebuggerStore } from "./store";

/** The processes of a distributed training: one store each, one selection for all of them. */
export class Ranks {
  readonly #own: DebuggerStore;
  readonly #stores = new Map<number, { store: DebuggerStore; stop: () => void }>();
  /** The rank that was chosen in place of the open run's; null for that. */
  readonly picked: Signal<number | null> = signal(null);
  /** The store of the process that is shown. */
  readonly store: ReadonlySignal<DebuggerStore>;
  /** Ranks to choose from; with fewer than two there is nothing to choose. */
  readonly choices: ReadonlySignal<readonly number[]>;
  /** The rank that is shown; null until the run is known. */
  readonly shown: ReadonlySignal<number | null>;
  readonly #stopOwn: () => void;

  constructor(readonly transport: Transport) {
    this.#own = new DebuggerStore(transport);
    this.#stopOwn = this.#own.start();
    this.store = computed(() => {
      const picked = this.picked.value;
      return (picked === null ? undefined : this.#stores.get(picked)?.store) ?? this.#own;
    });
    this.choices = computed(() => {
      const run = this.#own.run.data.value;
      if (run === null || run.world_size < 2) return [];
      // A process that has not begun to record yet may do so at any moment.
      return this.#own.live.value ? [...Array(run.world_size).keys()] : run.ranks;
    });
    this.shown = computed(() => this.picked.value ?? this.#own.run.data.value?.rank ?? null);
  }

  /** Show another process; step, module and view stay selected. */
  pick(rank: number): void {
    if (rank === this.#own.run.data.value?.rank) {
      this.picked.value = null;
      return;
    }
    if (!this.#stores.has(rank)) {
      const transport = new RankTransport(this.transport, rank);
      const store = new DebuggerStore(transport, this.#own.selection);
      this.#stores.set(rank, { store, stop: store.start() });
    }
    this.picked.value = rank;
  }

  stop(): void {
    this.#stopOwn();
    for (const { stop } of this.#stores.values()) stop();
    this.#stores.clear();
  }
}
