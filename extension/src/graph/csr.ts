/** Lists of numbers in two arrays: list `i` is `items[starts[i]] … items[starts[i + 1] - 1]`. */
export interface Csr {
  starts: Int32Array;
  items: Int32Array;
}

/**
 * Sort `0 … keys.length - 1` into lists by their key; entries keep their order.
 *
 * @param keys The list each entry goes to; what lies outside of `0 … listCount - 1` is left out.
 */
export function groupBy(keys: Int32Array, listCount: number): Csr {
  const starts = new Int32Array(listCount + 1);
  for (const key of keys) if (key >= 0 && key < listCount) bump(starts, key + 1);
  for (let list = 0; list < listCount; list += 1) {
    starts[list + 1] = (starts[list + 1] as number) + (starts[list] as number);
  }
  const next = starts.slice();
  const items = new Int32Array(starts[listCount] as number);
  for (let entry = 0; entry < keys.length; entry += 1) {
    const key = keys[entry] as number;
    if (key < 0 || key >= listCount) continue;
    items[next[key] as number] = entry;
    bump(next, key);
  }
  return { starts, items };
}

/** One list, as a view. */
export function listOf(csr: Csr, list: number): Int32Array {
  const begin = csr.starts[list];
  const end = csr.starts[list + 1];
  return begin === undefined || end === undefined
    ? new Int32Array(0)
    : csr.items.subarray(begin, end);
}

function bump(counts: Int32Array, index: number): void {
  counts[index] = (counts[index] as number) + 1;
}
