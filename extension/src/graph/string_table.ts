import type { Decoded, StringTable as WireTable } from "../protocol";
import { inSlices } from "./breathe";

/** Many strings in one buffer, each decoded when it is asked for. */
export class StringTable {
  readonly length: number;
  readonly #text: Uint8Array;
  readonly #ends: Int32Array;
  readonly #decoder = new TextDecoder();
  #places: Promise<ReadonlyMap<string, readonly number[]>> | null = null;

  constructor(table: Decoded<WireTable>) {
    this.#text = table.text.values as Uint8Array;
    this.#ends = table.ends.values as Int32Array;
    this.length = this.#ends.length;
  }

  /** String `index`; empty where there is none. */
  get(index: number): string {
    const end = this.#ends[index];
    if (end === undefined) return "";
    const begin = index === 0 ? 0 : (this.#ends[index - 1] as number);
    return begin === end ? "" : this.#decoder.decode(this.#text.subarray(begin, end));
  }

  /** Where each string stands; names may be repeated. Made once, in slices. */
  places(): Promise<ReadonlyMap<string, readonly number[]>> {
    this.#places ??= this.#findPlaces();
    return this.#places;
  }

  async #findPlaces(): Promise<ReadonlyMap<string, readonly number[]>> {
    const places = new Map<string, number[]>();
    await inSlices(this.length, (index) => {
      const text = this.get(index);
      const known = places.get(text);
      if (known === undefined) places.set(text, [index]);
      else known.push(index);
    });
    return places;
  }
}
