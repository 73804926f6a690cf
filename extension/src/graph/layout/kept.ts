/** Results that are kept for as long as there is room: those not asked for longest give way. */
export class Kept<T> {
  readonly #entries = new Map<string, { result: T; size: number }>();
  #size = 0;

  /** @param most What the sizes of all results may add up to. */
  constructor(readonly most: number) {}

  get(key: string): T | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    // Maps are in the order of insertion.
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found.result;
  }

  /** The newest is kept whatever its size. */
  set(key: string, result: T, size: number): void {
    this.#drop(key);
    this.#entries.set(key, { result, size });
    this.#size += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#size <= this.most || oldest === key) return;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#size -= this.#entries.get(key)?.size ?? 0;
    this.#entries.delete(key);
  }
}
