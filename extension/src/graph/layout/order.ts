/** In which order boxes follow each other, in circles too. */

/**
 * Boxes, each after those it uses. Where they use each other in a circle: so that few lines run
 * back, and of two orders with as many, the one of the first nodes.
 *
 * @param sources By box: the boxes it uses.
 */
export function bestOrder(sources: readonly (readonly number[])[]): number[] {
  const byNumber = sortedAfterSources(withoutCircles(sources));
  const backByNumber = backLines(sources, byNumber);
  if (backByNumber === 0) return byNumber;
  const asMet = sortedAfterSources(withoutWaysBack(sources));
  return backLines(sources, asMet) < backByNumber ? asMet : byNumber;
}

/** Without lines that lead back to where one came from, going from the boxes that use nothing. */
function withoutWaysBack(sources: readonly (readonly number[])[]): number[][] {
  const boxes = [...sources.keys()];
  const isFirst = (box: number): boolean => sources[box]?.length === 0;
  const starts = [...boxes.filter(isFirst), ...boxes.filter((box) => !isFirst(box))];
  const met = sortedAfterSources(usersOf(sources), starts).reverse();
  const place = new Int32Array(boxes.length);
  met.forEach((box, index) => {
    place[box] = index;
  });
  return sources.map((list, box) =>
    list.filter((source) => (place[source] as number) < (place[box] as number)),
  );
}

function usersOf(sources: readonly (readonly number[])[]): number[][] {
  const users: number[][] = sources.map(() => []);
  sources.forEach((list, box) => {
    for (const source of list) users[source]?.push(box);
  });
  return users;
}

function backLines(sources: readonly (readonly number[])[], order: readonly number[]): number {
  const place = new Int32Array(order.length);
  order.forEach((box, index) => {
    place[box] = index;
  });
  return sources.reduce(
    (sum, list, box) =>
      sum + list.filter((source) => (place[source] as number) > (place[box] as number)).length,
    0,
  );
}

/**
 * Boxes in a circle stand in the order of their first nodes: a module that is called twice, as one
 * `relu` often is, stands where it was called first.
 */
function withoutCircles(sources: readonly (readonly number[])[]): number[][] {
  const circle = circlesOf(sources);
  return sources.map((list, box) =>
    list.filter((source) => source < box || circle[source] !== circle[box]),
  );
}

/** By box: a number that it shares with those it is in a circle with (Kosaraju's algorithm). */
function circlesOf(sources: readonly (readonly number[])[]): Int32Array {
  const users = usersOf(sources);
  const circle = new Int32Array(sources.length).fill(-1);
  for (const first of sortedAfterSources(sources).reverse()) {
    const waiting = [first];
    for (let box = waiting.pop(); box !== undefined; box = waiting.pop()) {
      if (circle[box] !== -1) continue;
      circle[box] = first;
      waiting.push(...(users[box] as number[]));
    }
  }
  return circle;
}

/** Depth first, without recursion: chains are thousands long. */
function sortedAfterSources(
  sources: readonly (readonly number[])[],
  starts: Iterable<number> = sources.keys(),
): number[] {
  const order: number[] = [];
  const met = new Uint8Array(sources.length);
  const nextSource = new Int32Array(sources.length);
  for (const root of starts) {
    if (met[root] === 1) continue;
    met[root] = 1;
    const path = [root];
    while (path.length > 0) {
      const box = path[path.length - 1] as number;
      const source = sources[box]?.[nextSource[box] as number];
      if (source === undefined) {
        order.push(box);
        path.pop();
        continue;
      }
      nextSource[box] = (nextSource[box] as number) + 1;
      if (met[source] === 1) continue;
      met[source] = 1;
      path.push(source);
    }
  }
  return order;
}
