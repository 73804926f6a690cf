import {
  batch,
  computed,
  effect,
  type ReadonlySignal,
  type Signal,
  signal,
  untracked,
} from "@preact/signals";
import type { OverlayName } from "../../graph/overlay";
import type { GraphStructure } from "../../graph/structure";
import { groupItem, type ItemId, isGroup, itemGroup, type LayoutEngine } from "../../graph/types";
import type { ModeName, StageName } from "../../protocol";
import { ancestorNames } from "../modules";
import type { DebuggerStore } from "../store";
import { Beside } from "./beside";
import { followViewport } from "./follow";
import { Lineage, type LineageAnswer } from "./lineage";
import { GraphPane } from "./pane";
import { heardNames, itemsIn, namesOf, type Subject, subjectOf } from "./subject";
import { TreeFollow } from "./tree_follow";

/** What the left pane shows. */
export type LeftContent =
  | { kind: "modules" }
  | { kind: "closed" }
  | { kind: "stage"; mode: ModeName; stage: StageName };

/** The Graph view's state: two panes, what is selected in both, and how they follow each other. */
export class GraphInspector {
  readonly right: GraphPane;
  readonly left: GraphPane;
  readonly leftContent: Signal<LeftContent> = signal({ kind: "modules" });
  /** Selection, open groups and viewport of both panes go together. */
  readonly follow: Signal<boolean> = signal(true);
  readonly overlay: Signal<OverlayName> = signal("none");
  readonly subject: Signal<Subject | null> = signal(null);
  /** Modules that show their children in the tree. */
  readonly treeOpen: Signal<ReadonlySet<string>> = signal(new Set());
  readonly treeFollow = new TreeFollow();
  /** Answers to `graph_lineage` of the shown mode, as far as they came. */
  readonly lineages: Signal<readonly LineageAnswer[]> = signal([]);
  readonly lineage: ReadonlySignal<Lineage | null>;
  readonly #beside = new Beside(this);
  readonly #stops: (() => void)[] = [];
  /** What was last selected in each pane. */
  readonly #shown = new Map<
    GraphPane,
    { subject: Subject; structure: GraphStructure; first: ItemId | undefined }
  >();
  #origin: GraphPane | null = null;
  #expand = true;
  #own = "";

  constructor(
    readonly store: DebuggerStore,
    makeEngine: (structure: GraphStructure) => LayoutEngine,
  ) {
    this.right = new GraphPane(makeEngine);
    this.left = new GraphPane(makeEngine);
    this.lineage = computed(() => {
      const answers = this.lineages.value;
      const [first] = answers;
      // Those of another mode number other nodes.
      return first && first.mode === this.store.selection.mode.value
        ? new Lineage(
            first.mode,
            answers.map(({ stage }) => stage),
            answers,
          )
        : null;
    });
    for (const pane of [this.left, this.right]) this.#wire(pane);
    this.#stops.push(this.#hearSelection(), this.#showSubject(), this.#comeTogether());
  }

  dispose(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.left.dispose();
    this.right.dispose();
  }

  /** The graph panes that are on screen. */
  get panes(): GraphPane[] {
    return this.leftContent.peek().kind === "stage" ? [this.left, this.right] : [this.right];
  }

  /** Select nodes of a stage; `expand` opens what is around them. */
  pickNodes(structure: GraphStructure, nodes: readonly number[], expand = true): void {
    const { mode, stage } = structure;
    const [node] = nodes;
    if (node === undefined) return;
    this.#pick({ kind: "nodes", mode, stage, nodes }, null, expand, structure);
  }

  pickModule(module: string | null): void {
    const subject: Subject | null = module === null ? null : { kind: "module", module };
    this.#pick(subject, null, true, null);
  }

  /** Go to a stage with nodes of it selected: in the left pane where that shows it. */
  goTo(mode: ModeName, stage: StageName, nodes: readonly number[]): void {
    const left = this.leftContent.peek();
    const there = left.kind === "stage" && left.mode === mode && left.stage === stage;
    this.#origin = null;
    this.#expand = true;
    batch(() => {
      if (!there) this.store.selection.pickStage(mode, stage);
      this.subject.value = { kind: "nodes", mode, stage, nodes };
    });
  }

  toggleModule(module: string, open: boolean): void {
    const next = new Set(this.treeOpen.peek());
    if (open) next.add(module);
    else next.delete(module);
    this.treeOpen.value = next;
    if (this.follow.peek()) this.#openModule(module, open);
  }

  /** The module tree was scrolled by hand; its eye is between two modules, `part` of the way. */
  treeMoved(above: string, below: string, part: number): void {
    if (this.follow.peek()) this.treeFollow.treeMoved(this.panes, above, below, part);
  }

  expandAll(): void {
    for (const pane of this.#together()) pane.expandAll();
    this.#beside.gather(this.right);
  }

  collapseAll(): void {
    for (const pane of this.#together()) pane.collapseAll();
    this.#beside.gather(this.right);
  }

  fit(): void {
    for (const pane of this.#together()) pane.scene?.fit();
    this.#beside.gather(this.right);
  }

  #together(): GraphPane[] {
    return this.follow.peek() ? this.panes : [this.right];
  }

  #wire(pane: GraphPane): void {
    const moved = followViewport(this, pane);
    pane.heard = {
      picked: (item) => this.#picked(pane, item),
      toggled: (group, open) => {
        this.#beside.forget();
        this.#toggled(pane, group, open);
      },
      moved: () => {
        this.#beside.forget();
        moved();
      },
      loads: (structure, open) => this.#beside.opened(pane, structure, open),
      settled: () => this.#beside.settled(),
    };
  }

  /** Whenever the panes begin to follow each other the left one shows what the right one does. */
  #comeTogether(): () => void {
    return effect(() => {
      if (!this.follow.value) return;
      untracked(() => {
        const structure = this.left.structure.peek();
        if (structure !== null && this.panes.includes(this.left)) this.left.load(structure);
        this.#beside.gather(this.right);
      });
    });
  }

  #picked(pane: GraphPane, item: ItemId | null): void {
    const structure = pane.structure.peek();
    if (structure === null) return;
    const { mode, stage } = structure;
    if (item === null) this.#pick(null, pane, false, structure);
    else if (isGroup(item)) {
      const { module } = structure.group(itemGroup(item));
      const key = structure.groupKey(itemGroup(item));
      this.#pick({ kind: "group", mode, stage, key, module }, pane, false, structure);
    } else this.#pick({ kind: "nodes", mode, stage, nodes: [item] }, pane, false, structure);
  }

  /** Select, and say so to all views; what was said here is not heard again. */
  #pick(
    subject: Subject | null,
    origin: GraphPane | null,
    expand: boolean,
    structure: GraphStructure | null,
  ): void {
    const { selection } = this.store;
    const { module, value } = namesOf(subject, structure);
    this.#origin = origin;
    this.#expand = expand;
    batch(() => {
      selection.pickNode(module, value, null);
      this.#own = heardNames(selection);
      this.subject.value = subject;
    });
  }

  #toggled(pane: GraphPane, group: number, open: boolean): void {
    const structure = pane.structure.peek();
    if (!this.follow.peek() || structure === null) return;
    const { module } = structure.group(group);
    if (module !== null) {
      const next = new Set(this.treeOpen.peek());
      if (open) for (const name of [module, ...ancestorNames(module)]) next.add(name);
      else next.delete(module);
      this.treeOpen.value = next;
    }
    for (const other of this.panes) {
      const target = other === pane ? undefined : other.structure.peek();
      // What is around a module may differ between stages, and so its key.
      const [sameModule] = module ? (target?.groupsOfModule(module) ?? []) : [];
      const found = target?.groupByKey(structure.groupKey(group)) ?? sameModule;
      if (found !== undefined) other.setOpen([found], open);
    }
  }

  #openModule(module: string, open: boolean): void {
    for (const pane of this.panes) {
      const structure = pane.structure.peek();
      if (structure === null) continue;
      const groups = structure.groupsOfModule(module);
      const all = open ? groups.flatMap((group) => structure.groupPath(group)) : groups;
      if (all.some((group) => pane.open.has(group) !== open)) {
        pane.setOpen(
          all,
          open,
          groups[0] === undefined ? null : pane.visible(groupItem(groups[0])),
        );
      }
    }
  }

  /** What another view selects is selected here. */
  #hearSelection(): () => void {
    const { selection } = this.store;
    return effect(() => {
      const names = heardNames(selection);
      if (names === this.#own) return;
      this.#own = names;
      this.#origin = null;
      this.#expand = true;
      this.subject.value = subjectOf(this.store);
    });
  }

  /** Mark the selection in both panes, as their stages and the lineage come in. */
  #showSubject(): () => void {
    return effect(() => {
      const subject = this.subject.value;
      this.lineage.value;
      const wanted = [this.left, this.right].map((pane) => [pane, pane.structure.value] as const);
      const [origin, expand] = [this.#origin, this.#expand];
      // Without Follow a node of a stage is selected in the pane of that stage only.
      const alone = !this.follow.value && this.panes.some((pane) => isIn(subject, pane));
      for (const [pane, structure] of wanted) {
        if (structure === null) continue;
        if (subject === null || (alone && !isIn(subject, pane))) pane.select([]);
        else void this.#showIn(pane, structure, subject, pane === origin ? null : expand);
      }
    });
  }

  async #showIn(
    pane: GraphPane,
    structure: GraphStructure,
    subject: Subject,
    reveal: boolean | null,
  ): Promise<void> {
    const items = await itemsIn(this, subject, structure);
    if (this.subject.peek() !== subject || pane.structure.peek() !== structure) return;
    const before = this.#shown.get(pane);
    this.#shown.set(pane, { subject, structure, first: items[0] });
    pane.select(items);
    const [first] = items;
    const moved = before !== undefined && before.structure !== structure;
    const leader = this.#beside.leads(pane);
    if (leader !== null) {
      const there = this.#shown.get(leader);
      // It goes where the other pane is, which has shown what is selected.
      if (there?.subject === subject && there.first !== undefined) return;
      if (first !== undefined) this.#beside.forget();
    }
    // Lineage that comes in later must not move what somebody looks at.
    if (first === undefined || (!moved && before?.subject === subject && before.first === first)) {
      return;
    }
    if (moved) pane.reveal(first, true);
    else if (reveal || (reveal === false && this.follow.peek())) pane.reveal(first, reveal);
  }
}

/** Whether a subject is of the very stage that a pane shows. */
function isIn(subject: Subject | null, pane: GraphPane): boolean {
  const structure = pane.structure.peek();
  if (structure === null || subject === null || !("stage" in subject)) return false;
  return subject.stage === structure.stage && subject.mode === structure.mode;
}
