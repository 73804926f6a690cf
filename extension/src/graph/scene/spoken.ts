import type { ItemId, Overlay, PlacedEdge } from "../types";
import { isGroup } from "../types";
import type { SceneSource } from "./source";
import { cut } from "./text";
import type { Rect } from "./viewport";

/** What a box is, for a screen reader. */
export const spokenName = (
  source: SceneSource,
  item: ItemId,
  open: boolean,
  overlay: Overlay | null,
): string => itemFacts(source, item, open, overlay).join(", ");

/** What there is to say about a box: what it is, its name, its module, its half, its mark. */
export function itemFacts(
  source: SceneSource,
  item: ItemId,
  open: boolean,
  overlay: Overlay | null,
): string[] {
  const { title, note, kind, half } = source.face(item);
  const module = source.module(item);
  const name = source.name(item);
  const mark = overlay?.item(item)?.mark ?? "";
  return [
    title,
    isGroup(item) ? `${open ? "open" : "closed"} group, ${note}` : (NODE_KINDS[kind] ?? ""),
    name === title ? "" : name,
    module === null || module === title ? "" : `module ${module}`,
    half,
    mark === "" ? "" : `${overlay?.name}: ${mark}`,
  ].filter((part) => part !== "");
}

/** Names of a line's tensors that are said; of the rest only how many there are. */
const NAMED_TENSORS = 4;
const NAME_LENGTH = 56;

/** What there is to say about a line: its ends and its tensors. */
export function edgeFacts(
  source: SceneSource,
  { from, to, edges, crossing }: PlacedEdge,
): string[] {
  const names = [...edges.slice(0, 50)].map((edge) =>
    cut(source.tensor(edge), NAME_LENGTH, "ends"),
  );
  const tensors = [...new Set(names)].slice(0, NAMED_TENSORS);
  const more = edges.length - tensors.length;
  return [
    `${source.face(from).title} → ${source.face(to).title}`,
    crossing ? "kept for the gradients" : "",
    ...tensors,
    edges.length > NAMED_TENSORS ? `and ${more.toLocaleString("en")} more` : "",
  ].filter((part) => part !== "");
}

const NODE_KINDS: Partial<Record<string, string>> = {
  op: "node",
  input: "input of the graph",
  output: "output of the graph",
  joint: "node between forward and backward",
};

const HIDDEN =
  "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap";

let count = 0;

/** Lies over the box it speaks of, where a screen magnifier follows it. */
const OVER = "position:absolute;left:0;top:0;pointer-events:none";

/** Tells a screen reader where the keyboard is: an active descendant and a live region. */
export class Voice {
  readonly #active = document.createElement("div");
  readonly #live = document.createElement("div");

  constructor(private readonly host: HTMLElement) {
    count += 1;
    this.#active.id = `ov-scene-${count}-focus`;
    this.#active.setAttribute("role", "button");
    this.#live.setAttribute("aria-live", "polite");
    this.#active.style.cssText = OVER;
    this.#live.style.cssText = HIDDEN;
    host.append(this.#active, this.#live);
  }

  say(text: string, expanded: boolean | null): void {
    if (this.#active.getAttribute("aria-label") === text) return;
    this.#active.setAttribute("aria-label", text);
    if (expanded === null) this.#active.removeAttribute("aria-expanded");
    else this.#active.setAttribute("aria-expanded", String(expanded));
    this.#live.textContent = text;
    if (text === "") this.host.removeAttribute("aria-activedescendant");
    else this.host.setAttribute("aria-activedescendant", this.#active.id);
  }

  /** Where the box is on screen; null is nowhere. */
  place(rect: Rect | null): void {
    const { style } = this.#active;
    const { x, y, width, height } = rect ?? { x: 0, y: 0, width: 0, height: 0 };
    style.transform = `translate(${x}px, ${y}px)`;
    style.width = `${width}px`;
    style.height = `${height}px`;
  }
}
