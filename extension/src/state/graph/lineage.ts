import type { Answer, LinkKindName, ModeName, NumericColumn, StageName } from "../../protocol";

export type LineageAnswer = Answer<"graph_lineage">;

/** Where a node is in one stage of its mode: which nodes, how they came to be, on what evidence. */
export interface ChainLink {
  stage: StageName;
  /** Nodes of that stage; none where it does not exist there. */
  nodes: number[];
  /** How it came from the stage before it, or `removed` where it went. */
  kind: LinkKindName | null;
  evidence: string;
}

/** Lists of numbers by a number, in two arrays. */
class Adjacency {
  readonly #starts: Int32Array;
  readonly #targets: Int32Array;

  constructor(from: ArrayLike<number> & Iterable<number>, to: ArrayLike<number>, size: number) {
    this.#starts = new Int32Array(size + 1);
    for (const source of from) this.#starts[source + 1] = at(this.#starts, source + 1) + 1;
    for (let i = 0; i < size; i += 1) {
      this.#starts[i + 1] = at(this.#starts, i + 1) + at(this.#starts, i);
    }
    const next = this.#starts.slice();
    this.#targets = new Int32Array(to.length);
    for (let i = 0; i < from.length; i += 1) {
      const source = at(from, i);
      const place = at(next, source);
      next[source] = place + 1;
      this.#targets[place] = at(to, i);
    }
  }

  of(source: number): Int32Array {
    if (source < 0 || source + 1 >= this.#starts.length) return new Int32Array();
    return this.#targets.subarray(at(this.#starts, source), at(this.#starts, source + 1));
  }
}

/** One stage's links to the stage before it. */
class Links {
  readonly back: Adjacency;
  readonly forth: Adjacency;

  constructor(readonly answer: LineageAnswer) {
    const { link_from, link_to, node_kind, previous_kind } = answer;
    const added = (link: number) => this.kind(at(link_to.values, link)) === "added";
    const removed = (link: number) => this.previousKind(at(link_from.values, link)) === "removed";
    // What was added does not come from the node that it serves, nor does a node that takes the
    // place of a removed one come from that one.
    const [earlier, later] = chosen(answer, (link) => added(link) || !removed(link));
    const [sources, targets] = chosen(answer, (link) => !added(link));
    this.back = new Adjacency(later, earlier, node_kind.values.length);
    this.forth = new Adjacency(sources, targets, previous_kind.values.length);
  }

  kind(node: number): LinkKindName | null {
    return this.answer.kinds[this.answer.node_kind.values[node] ?? -1] ?? null;
  }

  evidence(node: number): string {
    return this.answer.evidences[this.answer.node_evidence.values[node] ?? -1] ?? "";
  }

  previousKind(node: number): LinkKindName | null {
    return this.answer.kinds[this.answer.previous_kind.values[node] ?? -1] ?? null;
  }

  previousEvidence(node: number): string {
    return this.answer.evidences[this.answer.previous_evidence.values[node] ?? -1] ?? "";
  }
}

/** The stages of one mode and how their nodes hang together. */
export class Lineage {
  readonly #links = new Map<StageName, Links>();

  /**
   * @param stages The saved stages in their order.
   * @param answers Those of them whose lineage is known; others break the chain.
   */
  constructor(
    readonly mode: ModeName,
    readonly stages: readonly StageName[],
    answers: readonly LineageAnswer[],
  ) {
    for (const answer of answers) {
      if (answer.mode === mode && answer.previous !== null) {
        this.#links.set(answer.stage, new Links(answer));
      }
    }
  }

  /** The nodes of another stage that a node became, or came from; none where it cannot be told. */
  map(from: StageName, nodes: readonly number[], to: StageName): number[] {
    let index = this.stages.indexOf(from);
    const end = this.stages.indexOf(to);
    if (index < 0 || end < 0) return [];
    let current = [...nodes];
    while (index !== end && current.length > 0) {
      const later = index < end;
      const links = this.#links.get(this.stages[later ? index + 1 : index] as StageName);
      if (links === undefined) return [];
      const next = later ? links.forth : links.back;
      current = sorted(current.flatMap((node) => [...next.of(node)]));
      index += later ? 1 : -1;
    }
    return current;
  }

  /** A node through all stages, in their order. */
  chain(stage: StageName, node: number): ChainLink[] {
    return this.stages.map((other) => this.#link(stage, node, other));
  }

  #link(stage: StageName, node: number, other: StageName): ChainLink {
    const nodes = this.map(stage, [node], other);
    const links = this.#links.get(other);
    const [first] = nodes;
    const gone = this.#gone(stage, node, other);
    if (first !== undefined && gone?.kind !== "removed") {
      const kind = links?.kind(first) ?? null;
      return { stage: other, nodes, kind, evidence: links?.evidence(first) ?? "" };
    }
    return { stage: other, nodes, kind: gone?.kind ?? null, evidence: gone?.evidence ?? "" };
  }

  /** Why a node has nothing in a later stage: what became of it where it was last seen. */
  #gone(stage: StageName, node: number, other: StageName) {
    const end = this.stages.indexOf(other);
    const before = this.stages[end - 1];
    if (before === undefined || end <= this.stages.indexOf(stage)) return null;
    const [last] = this.map(stage, [node], before);
    const links = this.#links.get(other);
    if (last === undefined || links === undefined) return null;
    return { kind: links.previousKind(last), evidence: links.previousEvidence(last) };
  }
}

/** Both ends of the links that are wanted, the earlier nodes first. */
function chosen(answer: LineageAnswer, wanted: (link: number) => boolean): [number[], number[]] {
  const { link_from, link_to } = answer;
  const links = Array.from(link_from.values.keys()).filter(wanted);
  const ends = (values: NumericColumn["values"]) => links.map((link) => at(values, link));
  return [ends(link_from.values), ends(link_to.values)];
}

function sorted(nodes: number[]): number[] {
  return [...new Set(nodes)].sort((a, b) => a - b);
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}
