import type { ItemId, Overlay } from "../types";
import { isGroup } from "../types";
import type { SceneSource } from "./source";

/** What a box is, for a screen reader. */
export function spokenName(
  source: SceneSource,
  item: ItemId,
  open: boolean,
  overlay: Overlay | null,
): string {
  const { title, note, kind, half } = source.face(item);
  const module = source.module(item);
  const name = source.name(item);
  const mark = overlay?.item(item)?.mark ?? "";
  return [
    title,
    isGroup(item) ? `${open ? "open" : "closed"} group, ${note}` : NODE_KINDS[kind],
    name === title ? "" : name,
    module === null || module === title ? "" : `module ${module}`,
    half,
    mark === "" ? "" : `${overlay?.name}: ${mark}`,
  ]
    .filter((part) => part !== undefined && part !== "")
    .join(", ");
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

/** Tells a screen reader where the keyboard is: an active descendant and a live region. */
export class Voice {
  readonly #active = document.createElement("div");
  readonly #live = document.createElement("div");

  constructor(private readonly host: HTMLElement) {
    count += 1;
    this.#active.id = `ov-scene-${count}-focus`;
    this.#active.setAttribute("role", "button");
    this.#live.setAttribute("aria-live", "polite");
    this.#active.style.cssText = this.#live.style.cssText = HIDDEN;
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
}
