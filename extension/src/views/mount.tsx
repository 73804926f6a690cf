import { type ComponentChildren, type ComponentType, render } from "preact";
import type { ModeName, NetronSource, StageName, Transport } from "../protocol";
import { Ranks } from "../state";
import { App, type PageProps } from "./app";
import { GraphApp } from "./graph_app";
import { DebuggerContext, type Theme, type ViewContext } from "./shared/context";
import { watchTheme } from "./theme";

/** How the debugger is put into a page. */
export interface MountOptions {
  /** In px, draggable; left out it fills its element. */
  height?: number;
  /** Hears the height while the user drags it. */
  onHeight?: (height: number) => void;
  /** The graph to show first; left out, the one that whoever answers proposes. */
  graph?: { mode: ModeName; stage: StageName } | null;
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
  return put(element, transport, options, App);
}

/**
 * Put the Graph view alone into an element, for graphs that need not have a run.
 *
 * Like {@link mount} otherwise.
 */
export function mountGraph(
  element: HTMLElement,
  transport: Transport,
  options: MountOptions = {},
): () => void {
  return put(element, transport, options, GraphApp);
}

function put(
  element: HTMLElement,
  transport: Transport,
  options: MountOptions,
  Page: ComponentType<PageProps>,
): () => void {
  const ranks = new Ranks(transport);
  if (options.graph) {
    ranks.store.peek().selection.pickStage(options.graph.mode, options.graph.stage);
  }
  const { theme, stop: stopTheme } = watchTheme(options.theme);
  const html = options.netronDocument;
  const spare: NetronSource | null = html ? { kind: "document", html } : null;
  const netron = () => transport.netron ?? spare;
  render(
    <Provided ranks={ranks} theme={theme} netron={netron}>
      <Page
        height={options.height ?? null}
        onHeight={options.onHeight ?? null}
        notes={options.notes ?? []}
      />
    </Provided>,
    element,
  );
  return () => {
    render(null, element);
    ranks.stop();
    stopTheme();
  };
}

/** Gives the views the process that is shown, another one once it is picked. */
function Provided(
  props: Omit<ViewContext, "store" | "ranks"> & { ranks: Ranks; children: ComponentChildren },
) {
  const { ranks, theme, netron } = props;
  const store = ranks.store.value;
  return (
    <DebuggerContext.Provider value={{ store, ranks, theme, netron }}>
      {props.children}
    </DebuggerContext.Provider>
  );
}
