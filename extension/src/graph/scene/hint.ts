import type { Look } from "./look";

const SHOWN_MSEC = 1_400;

/** Says how to zoom to somebody who scrolls the page over the scene, as maps do. */
export class Hint {
  readonly #element = document.createElement("div");
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly parent: HTMLElement) {
    const { style } = this.#element;
    style.cssText =
      "position:absolute;left:50%;top:50%;transform:translate(-50%,-50%);padding:6px 12px;" +
      "border-radius:4px;pointer-events:none;opacity:0;transition:opacity .15s;max-width:80%";
    this.#element.textContent = `Click the graph, or hold ${zoomKey()}, to zoom with the wheel`;
  }

  /** Put it on top of what is there. */
  raise(): void {
    this.parent.append(this.#element);
  }

  colour({ ink, surface, font }: Look): void {
    const { style } = this.#element;
    style.background = ink;
    style.color = surface;
    style.font = `13px ${font}`;
  }

  show(): void {
    this.#element.style.opacity = "0.92";
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.hide(), SHOWN_MSEC);
  }

  hide(): void {
    this.#element.style.opacity = "0";
    clearTimeout(this.#timer);
  }
}

const zoomKey = () => (/Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl");
