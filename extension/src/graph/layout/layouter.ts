/** Lays out a structure for a set of open groups; runs in the worker, and in tests without one. */
import * as sizes from "../sizes";
import type { RunElk } from "./elk";
import type { Arrangement } from "./elk_graph";
import { halvesOf, placeHalves } from "./halves";
import { Kept } from "./kept";
import { type LevelLayout, layoutLevel } from "./level_layout";
import { cutIntoLevels, type Levels, visibility } from "./levels";
import {
  closedForm,
  type LocalGraph,
  localGraph,
  type OpenBox,
  type Ports,
  portsOf,
  signature,
} from "./local_graph";
import type { LayoutInput, PackedPicture } from "./messages";
import { type LaidOut, placeLevel } from "./place";
import { emptySheet, packed } from "./sheet";

/** Boxes and lines of all levels that are kept; some hundred bytes each. */
const MOST_KEPT = 500_000;

/** Remembers every level it has laid out, so that opening a group costs only what changed. */
export class Layouter {
  readonly #layouts = new Kept<LevelLayout>(MOST_KEPT);
  readonly #arrangements = new Kept<Arrangement>(MOST_KEPT);
  /** How often ELK ran. */
  elkRuns = 0;

  constructor(
    readonly input: LayoutInput,
    readonly elk: RunElk,
  ) {}

  /**
   * @param open Open groups; those in closed ones do not matter.
   * @param pause Called between levels; it may throw to end the work.
   * @param onProgress Levels done, and how many there are.
   */
  async layout(
    open: Int32Array,
    pause: () => Promise<void>,
    onProgress: (done: number, total: number) => void,
  ): Promise<PackedPicture> {
    const { input } = this;
    const seen = visibility(input, open);
    const levels = cutIntoLevels(input, seen);
    const ports = new Map<number, Ports>();
    for (const group of levels.shown) {
      if (group >= 0) ports.set(group, portsOf(group, levels.pieces[group + 1] as number[]));
    }
    const done = new Map<number, LaidOut>();
    const boxes = new Map<number, OpenBox>();
    const total = levels.shown.length;
    // Parents come first in `shown`, and need their children's sizes.
    for (const group of levels.shown.slice(1).reverse()) {
      const level = this.#level(group, levels, boxes, ports);
      done.set(group, level);
      boxes.set(group, level.layout);
      onProgress(done.size, total);
      await pause();
    }
    const picture = this.#whole(levels, done, boxes, ports);
    onProgress(total, total);
    return picture;
  }

  #whole(
    levels: Levels,
    done: Map<number, LaidOut>,
    boxes: ReadonlyMap<number, OpenBox>,
    ports: ReadonlyMap<number, Ports>,
  ): PackedPicture {
    const root = this.#graph(-1, levels, boxes, ports);
    const halves = halvesOf(this.input, root.items);
    if (halves !== null) {
      const whole = placeHalves(this.input, done, root, halves, levels.crossing);
      return packed(whole.sheet, whole.width, whole.height);
    }
    const layout = this.#laidOut(root, 0);
    done.set(-1, { graph: root, layout });
    const sheet = emptySheet();
    placeLevel(done, -1, 0, 0, 0, sheet);
    return packed(sheet, layout.width, layout.height);
  }

  #level(
    group: number,
    levels: Levels,
    boxes: ReadonlyMap<number, OpenBox>,
    ports: ReadonlyMap<number, Ports>,
  ): LaidOut {
    const graph = this.#graph(group, levels, boxes, ports);
    return { graph, layout: this.#laidOut(graph, this.input.groupWidth[group] as number) };
  }

  #graph(
    group: number,
    levels: Levels,
    boxes: ReadonlyMap<number, OpenBox>,
    ports: ReadonlyMap<number, Ports>,
  ): LocalGraph {
    const pieces = levels.pieces[group + 1] as number[];
    return localGraph(this.input, group, pieces, boxes, ports, sizes.GROUP_HEIGHT);
  }

  #laidOut(graph: LocalGraph, minWidth: number): LevelLayout {
    const key = `${minWidth} ${signature(graph)}`;
    const known = this.#layouts.get(key);
    if (known !== undefined) return known;
    const before = this.#before(graph);
    this.elkRuns += 1;
    const { layout, arrangement } = layoutLevel(graph, this.elk, minWidth, before);
    const size = sizeOf(graph);
    this.#layouts.set(key, layout, size);
    if (before === null) this.#arrangements.set(signature(graph), arrangement, size);
    return layout;
  }

  /** How a level is arranged while all in it is closed, so that it stays so when some is open. */
  #before(graph: LocalGraph): Arrangement | null {
    if (graph.open.every((box) => box === null)) return null;
    const closed = closedForm(graph, this.input, sizes.GROUP_HEIGHT);
    const key = signature(closed);
    const known = this.#arrangements.get(key);
    if (known !== undefined) return known;
    this.elkRuns += 1;
    const { arrangement } = layoutLevel(closed, this.elk, 0, null);
    this.#arrangements.set(key, arrangement, sizeOf(closed));
    return arrangement;
  }
}

const sizeOf = (graph: LocalGraph): number => graph.items.length + graph.lines.length;
