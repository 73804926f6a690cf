/**
 * Netron in an iframe, told what to do by messages. The other end, with the list of messages, is
 * `ortviz/netron/shim.js`; it is the same whether the page came from our server or is one HTML
 * document without any server.
 */

export type NetronTheme = "light" | "dark";

/** Nodes that get one colour, named by tensors they make. */
export interface NetronMark {
  values: string[];
  /** Any CSS colour; resolve `var(--…)` before, the frame has no variables of ours. */
  color: string;
  /** Of their text; without it, light on a light page. */
  ink?: string;
  /** Only a line around them: they may have a colour of their own. */
  around?: boolean;
}

/** A node that a person clicked. */
export interface NetronPick {
  name: string;
  type: string;
  /** Tensors the node makes. */
  values: string[];
}

export interface NetronEvents {
  opened?(name: string, nodeCount: number): void;
  failed?(name: string, message: string): void;
  picked?(pick: NetronPick): void;
  marked?(nodeCount: number): void;
}

type Incoming =
  | { ortviz: "netron"; event: "ready" }
  | { ortviz: "netron"; event: "opened"; name: string; nodes: number }
  | { ortviz: "netron"; event: "failed"; name: string; message: string }
  | { ortviz: "netron"; event: "marked"; nodes: number }
  | ({ ortviz: "netron"; event: "picked" } & NetronPick);

type Outgoing =
  | { command: "open"; name: string; bytes: ArrayBuffer }
  | { command: "mark"; groups: NetronMark[] }
  | { command: "select"; value: string }
  | { command: "theme"; theme: NetronTheme };

/** Drives one iframe. What is said before Netron is ready is kept; only the newest of each kind. */
export class NetronFrame {
  #ready = false;
  #opened = false;
  #marks: NetronMark[] | null = null;
  #selected: string | null = null;
  readonly #waiting = new Map<Outgoing["command"], Outgoing>();
  readonly #listener = (event: MessageEvent) => this.#hear(event);

  /**
   * @param element The iframe; set its `src` or `srcdoc` after this.
   * @param events What to do when Netron says something.
   */
  constructor(
    readonly element: HTMLIFrameElement,
    readonly events: NetronEvents = {},
  ) {
    window.addEventListener("message", this.#listener);
  }

  /** Show a model; `name` must end in `.onnx`. The bytes are copied, not taken. */
  open(name: string, bytes: ArrayBuffer): void {
    this.#opened = false;
    this.#send({ command: "open", name, bytes });
  }

  /** Colour nodes, and no others; kept for models opened later. */
  mark(groups: NetronMark[]): void {
    this.#marks = groups;
    if (this.#opened) this.#send({ command: "mark", groups });
  }

  /** Select and scroll to the node that makes this tensor; nothing happens if there is none. */
  select(value: string): void {
    this.#selected = value;
    if (this.#opened) this.#send({ command: "select", value });
  }

  theme(theme: NetronTheme): void {
    this.#send({ command: "theme", theme });
  }

  /** Navigated anew: what comes next waits until the new page is ready. */
  reset(): void {
    this.#ready = false;
    this.#opened = false;
  }

  dispose(): void {
    window.removeEventListener("message", this.#listener);
    this.#waiting.clear();
  }

  #send(message: Outgoing): void {
    if (!this.#ready) {
      this.#waiting.set(message.command, message);
      return;
    }
    // A srcdoc page and a page opened from disk have no origin that could be named here.
    this.element.contentWindow?.postMessage({ ortviz: "netron", ...message }, "*");
  }

  #hear(event: MessageEvent): void {
    if (event.source === null || event.source !== this.element.contentWindow) return;
    const message = event.data as Incoming | null;
    if (message?.ortviz !== "netron") return;
    if (message.event === "ready") {
      this.#ready = true;
      for (const waiting of this.#waiting.values()) this.#send(waiting);
      this.#waiting.clear();
    } else if (message.event === "opened") {
      this.#opened = true;
      if (this.#marks !== null) this.#send({ command: "mark", groups: this.#marks });
      if (this.#selected !== null) this.#send({ command: "select", value: this.#selected });
      this.#selected = null;
      this.events.opened?.(message.name, message.nodes);
    } else if (message.event === "failed") {
      this.events.failed?.(message.name, message.message);
    } else if (message.event === "marked") {
      this.events.marked?.(message.nodes);
    } else {
      const { name, type, values } = message;
      this.events.picked?.({ name, type, values });
    }
  }
}
