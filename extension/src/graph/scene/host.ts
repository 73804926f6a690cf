import type { Look } from "./look";

/** The one element that has the focus, and all of the scene in it. */
export function newHost(): HTMLElement {
  const host = document.createElement("div");
  host.className = "ov-scene";
  host.tabIndex = 0;
  host.setAttribute("role", "application");
  host.setAttribute("aria-roledescription", "graph");
  host.setAttribute(
    "aria-label",
    "Graph. Arrow keys go from box to box, Enter opens or chooses, plus and minus zoom, 0 fits.",
  );
  host.style.cssText =
    "position:absolute;inset:0;overflow:hidden;user-select:none;-webkit-user-select:none;outline:none";
  return host;
}

/** What zrender draws into. */
export function newGround(host: HTMLElement): HTMLElement {
  const ground = document.createElement("div");
  ground.style.cssText = "position:absolute;inset:0;overflow:hidden";
  host.append(ground);
  return ground;
}

/** Shows whether keys go to the scene. */
export class FocusRing {
  readonly #element = document.createElement("div");
  #look: Look | null = null;
  #shown = false;

  constructor(private readonly host: HTMLElement) {
    this.#element.style.cssText = "position:absolute;inset:0;pointer-events:none";
  }

  /** Put it on top of what is there. */
  raise(): void {
    this.host.append(this.#element);
  }

  colour(look: Look): void {
    this.#look = look;
    this.show(this.#shown);
  }

  show(shown: boolean): void {
    this.#shown = shown;
    const ring = shown && this.#look !== null ? `inset 0 0 0 2px ${this.#look.ink}` : "none";
    this.#element.style.boxShadow = ring;
  }
}
