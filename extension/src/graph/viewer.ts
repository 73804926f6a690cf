/** A structure on screen: which groups are open, laid out in the worker and drawn. */
import { initiallyOpen } from "./initially_open";
import { createLayoutEngine } from "./layout";
import { createScene } from "./scene";
import type { GraphStructure } from "./structure";
import {
  type ItemId,
  isGroup,
  itemGroup,
  type LayoutEngine,
  type LayoutProgress,
  type Scene,
  type ScenePalette,
} from "./types";

export interface ViewerEvents {
  pick?(item: ItemId | null): void;
  /** Called when a layout begins and ends; null is the end. */
  progress?(progress: LayoutProgress | null): void;
  failed?(error: unknown): void;
}

/** Opens and closes groups where they are; of several wishes in a row the last one counts. */
export class GraphViewer {
  readonly scene: Scene;
  readonly #engine: LayoutEngine;
  #open: Set<number>;
  #running: AbortController | null = null;

  constructor(
    element: HTMLElement,
    readonly structure: GraphStructure,
    palette: ScenePalette,
    private readonly events: ViewerEvents = {},
  ) {
    this.#engine = createLayoutEngine(structure);
    this.scene = createScene(element, structure, palette, {
      pick: (item) => events.pick?.(item),
      toggle: (item) => this.toggle(item),
    });
    this.#open = initiallyOpen(structure);
    void this.#show(null);
  }

  get open(): ReadonlySet<number> {
    return this.#open;
  }

  toggle(item: ItemId): void {
    if (!isGroup(item)) return;
    const open = new Set(this.#open);
    if (!open.delete(itemGroup(item))) open.add(itemGroup(item));
    this.setOpen(open, item);
  }

  expandAll(): void {
    this.setOpen(new Set(this.structure.groups.keys()));
  }

  collapseAll(): void {
    this.setOpen(initiallyOpen(this.structure));
  }

  /** @param anchor A box that stays where it is on screen. */
  setOpen(open: ReadonlySet<number>, anchor: ItemId | null = null): void {
    this.#open = new Set(open);
    void this.#show(anchor);
  }

  dispose(): void {
    this.#running?.abort();
    this.#engine.dispose();
    this.scene.dispose();
  }

  async #show(anchor: ItemId | null): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.events.progress?.({ done: 0, total: 0 });
    try {
      const picture = await this.#engine.layout(this.#open, running.signal, (progress) =>
        this.events.progress?.(progress),
      );
      if (this.#running !== running) return;
      this.scene.show(picture, anchor);
      this.events.progress?.(null);
    } catch (error) {
      if (!running.signal.aborted) this.events.failed?.(error);
    }
  }
}
