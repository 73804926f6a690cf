import { type Signal, signal } from "@preact/signals";
import { initiallyOpen } from "../../graph/initially_open";
import type { GraphStructure } from "../../graph/structure";
import {
  groupItem,
  type ItemId,
  isGroup,
  itemGroup,
  type LayoutEngine,
  type LayoutProgress,
  type Picture,
  type Scene,
} from "../../graph/types";

/** A layout that is done before this shows no progress, so that nothing flickers. */
export const SLOW_LAYOUT_MS = 300;

/** What a pane tells those who follow it: what the user did in it, and what it shows. */
export interface PaneEvents {
  picked?(item: ItemId | null): void;
  toggled?(group: number, open: boolean): void;
  moved?(): void;
  /** A structure is about to be shown with these groups open: what has to be open in it instead. */
  loads?(structure: GraphStructure, open: ReadonlySet<number>): ReadonlySet<number>;
  /** What is shown no longer changes by itself. */
  settled?(): void;
}

/**
 * One graph on screen: which groups are open, the picture of them and what is selected in it.
 *
 * Groups are kept open by key, so that they stay open in another stage.
 */
export class GraphPane {
  readonly structure: Signal<GraphStructure | null> = signal(null);
  readonly picture: Signal<Picture | null> = signal(null);
  /** Null unless a layout takes long. */
  readonly progress: Signal<LayoutProgress | null> = signal(null);
  readonly failure: Signal<unknown> = signal(null);
  readonly selected: Signal<readonly ItemId[]> = signal([]);
  heard: PaneEvents = {};
  scene: Scene | null = null;
  readonly #makeEngine: (structure: GraphStructure) => LayoutEngine;
  #engine: LayoutEngine | null = null;
  #open: ReadonlySet<number> = new Set();
  /** What the picture on screen shows open; where a cancelled layout goes back to. */
  #shown: ReadonlySet<number> = new Set();
  /** Keys that are open, those of other stages included, and all that were ever met. */
  readonly #openKeys = new Set<string>();
  readonly #metKeys = new Set<string>();
  #placed = new Map<ItemId, Picture["items"][number]>();
  #running: AbortController | null = null;
  /** What to bring on screen once it is in the picture. */
  #wanted: ItemId | null = null;
  /** Whose names the scene writes; null takes any. */
  #sceneOf: GraphStructure | null = null;

  /** @param makeEngine Lays a structure out; the pane disposes of it. */
  constructor(makeEngine: (structure: GraphStructure) => LayoutEngine) {
    this.#makeEngine = makeEngine;
  }

  get open(): ReadonlySet<number> {
    return this.#open;
  }

  /** Show a structure; what is open by key stays open. */
  load(structure: GraphStructure): void {
    if (this.structure.peek() === structure) {
      const open = this.heard.loads?.(structure, this.#open) ?? this.#open;
      if (!same(open, this.#open)) this.#change(open, null);
      else if (this.isSettled) this.heard.settled?.();
      return;
    }
    this.#running?.abort();
    this.#engine?.dispose();
    this.#engine = this.#makeEngine(structure);
    this.#placed = new Map();
    this.#shown = new Set();
    const open = this.#opened(structure);
    this.#open = this.heard.loads?.(structure, open) ?? open;
    this.#wanted = null;
    this.failure.value = null;
    this.picture.value = null;
    // Laid out in its worker while the page writes what stands around the picture.
    void this.#layout(null);
    this.structure.value = structure;
    this.selected.value = [];
  }

  /** Whether what is on screen is what is wanted there. */
  get isSettled(): boolean {
    return this.#running === null && this.picture.peek() !== null && this.#ready() !== null;
  }

  /** Draw into a scene from now on; null when it is gone. */
  attach(scene: Scene | null, structure: GraphStructure | null = null): void {
    this.scene = scene;
    this.#sceneOf = structure;
    const picture = this.picture.peek();
    if (picture === null || this.structure.peek() !== structure) return;
    this.#draw(picture, null);
    if (this.isSettled) this.heard.settled?.();
  }

  dispose(): void {
    this.#running?.abort();
    this.#engine?.dispose();
    this.#engine = null;
  }

  /** The user opens or closes a group. */
  toggle(item: ItemId): void {
    if (!isGroup(item)) return;
    const group = itemGroup(item);
    const open = !this.#open.has(group);
    this.setOpen([group], open, item);
    this.heard.toggled?.(group, open);
  }

  /** Open or close groups, as one who follows does: nobody is told. */
  setOpen(groups: Iterable<number>, open: boolean, anchor: ItemId | null = this.#anchor()): void {
    const next = new Set(this.#open);
    for (const group of groups) {
      if (open) next.add(group);
      else next.delete(group);
    }
    this.#change(next, anchor);
  }

  expandAll(): void {
    const all = this.structure.peek()?.groups.keys() ?? [];
    this.#change(new Set(all), this.#anchor(), true);
  }

  collapseAll(): void {
    const structure = this.structure.peek();
    if (structure !== null) this.#change(initiallyOpen(structure), this.#anchor(), true);
  }

  /** Stop a layout that takes too long; what was on screen stays. */
  cancel(): void {
    this.#running?.abort();
    this.#running = null;
    this.#wanted = null;
    this.progress.value = null;
    this.#adopt(this.#shown);
  }

  /** The box that stands for something while it is inside of a closed group. */
  visible(item: ItemId): ItemId {
    const structure = this.structure.peek();
    if (structure === null) return item;
    const around = isGroup(item)
      ? structure.groupPath(structure.parentOf(item))
      : structure.nodePath(item);
    const closed = around.find((group) => !this.#shown.has(group));
    return closed === undefined ? item : groupItem(closed);
  }

  placed(item: ItemId): Picture["items"][number] | null {
    return this.#placed.get(item) ?? null;
  }

  /** Mark boxes and the lines at them. */
  select(items: readonly ItemId[]): void {
    this.selected.value = items;
    this.#mark();
  }

  /** Bring something on screen, opening what is around it if `open`. */
  reveal(item: ItemId, open: boolean): void {
    const structure = this.structure.peek();
    if (structure === null) return;
    const around = structure.groupPath(structure.parentOf(item));
    const closed = open ? around.filter((group) => !this.#open.has(group)) : [];
    if (closed.length === 0 && this.#running === null) {
      this.#ready()?.reveal(this.visible(item));
      return;
    }
    this.#wanted = item;
    if (closed.length > 0) this.setOpen(closed, true, this.visible(item));
  }

  /** The edges that begin or end at the selected nodes. */
  #edgesOfSelected(): number[] {
    const structure = this.structure.peek();
    const nodes = this.selected.peek().filter((item) => !isGroup(item));
    if (structure === null || nodes.length > 50) return [];
    return nodes.flatMap((node) => [
      ...structure.edgesInto(node),
      ...[...structure.outputsOf(node)].flatMap((value) => [...structure.usesOf(value)]),
    ]);
  }

  #mark(): void {
    const scene = this.#ready();
    if (scene === null || this.picture.peek() === null) return;
    scene.select([...new Set(this.selected.peek().map((item) => this.visible(item)))]);
    scene.trace(this.#edgesOfSelected());
  }

  #anchor(): ItemId | null {
    const scene = this.#ready();
    const [first] = this.selected.peek();
    const selected = first === undefined ? null : this.visible(first);
    // What is selected far away tells nothing of what somebody looks at.
    if (selected !== null && scene?.sees(selected)) return selected;
    return scene?.centre()?.item ?? null;
  }

  /** The box that stands for what was in the middle; without one, the forward half. */
  #near(anchor: ItemId | null): ItemId | null {
    if (anchor !== null) return this.visible(anchor);
    const { groups = [] } = this.structure.peek() ?? {};
    const half = groups.findIndex((group) => group.kind === "half" && group.half === "forward");
    return half < 0 ? null : groupItem(half);
  }

  #opened(structure: GraphStructure): Set<number> {
    const open = new Set<number>();
    const first = initiallyOpen(structure);
    for (const group of structure.groups.keys()) {
      const key = structure.groupKey(group);
      const before = this.#metKeys.has(key);
      if (before ? this.#openKeys.has(key) : first.has(group)) open.add(group);
      this.#metKeys.add(key);
      if (open.has(group)) this.#openKeys.add(key);
    }
    return open;
  }

  #change(open: ReadonlySet<number>, anchor: ItemId | null, much = false): void {
    this.#adopt(open);
    void this.#layout(anchor, much);
  }

  #adopt(open: ReadonlySet<number>): void {
    const structure = this.structure.peek();
    if (structure === null) return;
    for (const group of this.#open) {
      if (!open.has(group)) this.#openKeys.delete(structure.groupKey(group));
    }
    for (const group of open) this.#openKeys.add(structure.groupKey(group));
    this.#open = open;
  }

  async #layout(anchor: ItemId | null, much = false): Promise<void> {
    const engine = this.#engine;
    if (engine === null) return;
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    const open = this.#open;
    const begun = performance.now();
    const slow = (progress: LayoutProgress) => {
      const late = performance.now() - begun >= SLOW_LAYOUT_MS;
      if (late && this.#running === running) this.progress.value = progress;
    };
    const timer = setTimeout(() => slow({ done: 0, total: 0 }), SLOW_LAYOUT_MS);
    try {
      const picture = await engine.layout(open, running.signal, slow);
      if (this.#running === running) this.#show(picture, open, anchor, much);
    } catch (error) {
      if (this.#running === running) this.failure.value = error;
    } finally {
      clearTimeout(timer);
      if (this.#running === running) {
        this.#running = null;
        this.progress.value = null;
        if (this.isSettled) this.heard.settled?.();
      }
    }
  }

  #show(picture: Picture, open: ReadonlySet<number>, anchor: ItemId | null, much: boolean): void {
    this.#shown = open;
    this.#placed = new Map(picture.items.map((placed) => [placed.item, placed]));
    this.failure.value = null;
    this.picture.value = picture;
    this.#draw(picture, anchor, much);
  }

  #draw(picture: Picture, anchor: ItemId | null, much = false): void {
    const scene = this.#ready();
    if (scene === null) return;
    scene.show(picture, anchor, much ? this.#near(anchor) : undefined);
    this.#mark();
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted !== null) scene.reveal(this.visible(wanted));
  }

  /** The scene, unless it is still that of the structure before. */
  #ready(): Scene | null {
    return this.#sceneOf === null || this.#sceneOf === this.structure.peek() ? this.scene : null;
  }
}

const same = (a: ReadonlySet<number>, b: ReadonlySet<number>) =>
  a.size === b.size && [...a].every((group) => b.has(group));
