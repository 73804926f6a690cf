import { type Signal, signal } from "@preact/signals";
import {
  type Answer,
  type CommandName,
  type CommandParams,
  decodeReply,
  errorText,
  type Reply,
  requestKey,
  type Transport,
} from "../protocol";

/** Entries nobody looks at any more, beyond which the oldest is dropped. */
const IDLE_ENTRIES_KEPT = 48;

/** One question and the newest answer to it. */
export class Resource<C extends CommandName = CommandName> {
  readonly data: Signal<Answer<C> | null> = signal(null);
  readonly error: Signal<string | null> = signal(null);
  readonly loading: Signal<boolean> = signal(false);
  /** Whether the answer may have changed since it came. */
  stale = true;
  watcherCount = 0;
  inFlight: Promise<void> | null = null;

  constructor(
    readonly key: string,
    readonly command: C,
    readonly params: CommandParams[C],
  ) {}
}

/**
 * Asks each question once at a time, keeps the answers, and shows an old answer until the new
 * one is there. Bounded: answers that nobody watches are dropped, least recently used first.
 */
export class RequestCache {
  readonly #transport: Transport;
  readonly #entries = new Map<string, Resource>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The entry of a question; asks nothing by itself. */
  resource<C extends CommandName>(command: C, params: CommandParams[C]): Resource<C> {
    const key = requestKey(command, params);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      // Re-inserting keeps the map in order of use.
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known as unknown as Resource<C>;
    }
    const fresh = new Resource(key, command, params);
    this.#entries.set(key, fresh as unknown as Resource);
    this.#dropIdle();
    return fresh;
  }

  /** Keep an answer alive and fresh until the returned function is called. */
  watch(resource: Resource<never>): () => void;
  watch<C extends CommandName>(resource: Resource<C>): () => void;
  watch(resource: Resource): () => void {
    resource.watcherCount += 1;
    if (resource.stale) void this.load(resource);
    let watching = true;
    return () => {
      if (!watching) return;
      watching = false;
      resource.watcherCount -= 1;
      this.#dropIdle();
    };
  }

  /** Ask now; a question that is already on its way is not asked twice. Never rejects. */
  load<C extends CommandName>(resource: Resource<C>): Promise<void> {
    resource.inFlight ??= this.#ask(resource).finally(() => {
      resource.inFlight = null;
    });
    return resource.inFlight;
  }

  /** Take an answer that came unasked. */
  put<C extends CommandName>(command: C, params: CommandParams[C], reply: Reply): void {
    this.#accept(this.resource(command, params), reply);
  }

  /** Answers to these commands may have changed: watched ones are asked again. */
  invalidate(commands: readonly CommandName[]): void {
    for (const entry of this.#entries.values()) {
      if (!commands.includes(entry.command)) continue;
      entry.stale = true;
      if (entry.watcherCount > 0) void this.load(entry);
    }
  }

  /** Mark without asking, for those who will ask in a moment. */
  markStale(commands: readonly CommandName[]): void {
    for (const entry of this.#entries.values()) {
      if (commands.includes(entry.command)) entry.stale = true;
    }
  }

  /** Ask again for what is watched and marked. */
  refreshStale(): void {
    for (const entry of this.#entries.values()) {
      if (entry.stale && entry.watcherCount > 0) void this.load(entry);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  async #ask<C extends CommandName>(resource: Resource<C>): Promise<void> {
    resource.loading.value = true;
    resource.stale = false;
    try {
      this.#accept(resource, await this.#transport.request(resource.command, resource.params));
    } catch (error) {
      resource.error.value = errorText(error);
      resource.stale = true;
    } finally {
      resource.loading.value = false;
    }
  }

  #accept<C extends CommandName>(resource: Resource<C>, reply: Reply): void {
    resource.data.value = decodeReply(resource.command, reply);
    resource.error.value = null;
    resource.stale = false;
  }

  #dropIdle(): void {
    let idle = 0;
    for (const entry of this.#entries.values()) if (entry.watcherCount === 0) idle += 1;
    for (const [key, entry] of this.#entries) {
      if (idle <= IDLE_ENTRIES_KEPT) return;
      if (entry.watcherCount > 0 || entry.inFlight !== null) continue;
      this.#entries.delete(key);
      idle -= 1;
    }
  }
}
