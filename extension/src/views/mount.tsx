import { render } from "preact";
import type { NetronSource, Transport } from "../protocol";
import { DebuggerStore } from "../state";
import { App } from "./app";
import { DebuggerContext, type Theme } from "./shared/context";
import { watchTheme } from "./theme";

/** How the debugger is put into a page. */
export interface MountOptions {
  /** In px, draggable; left out it fills its element. */
  height?: number;
  /** Hears the height while the user drags it. */
  onHeight?: (height: number) => void;
  /** Left out, it follows the page. */
  theme?: Theme;
  /** Sentences about what is shown, for example which steps a report contains. */
  notes?: readonly string[];
  /** Makes Netron's self-contained page, for transports that have no Netron of their own. */
  netronDocument?: (() => Promise<string>) | null;
}

/**
 * Put the debugger into an element.
 *
 * The transport stays the caller's: it is not disposed of.
 *
 * @returns How to take it out again; nothing of it stays behind.
 */
export function mount(
  element: HTMLElement,
  transport: Transport,
  options: MountOptions = {},
): () => void {
  const store = new DebuggerStore(transport);
  const { theme, stop: stopTheme } = watchTheme(options.theme);
  const stopStore = store.start();
  const html = options.netronDocument;
  const spare: NetronSource | null = html ? { kind: "document", html } : null;
  const netron = () => transport.netron ?? spare;
  render(
    <DebuggerContext.Provider value={{ store, theme, netron }}>
      <App
        height={options.height ?? null}
        onHeight={options.onHeight ?? null}
        notes={options.notes ?? []}
      />
    </DebuggerContext.Provider>,
    element,
  );
  return () => {
    render(null, element);
    stopStore();
    stopTheme();
  };
}
