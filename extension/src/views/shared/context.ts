import type { ReadonlySignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { NetronSource } from "../../protocol";
import type { DebuggerStore, Ranks } from "../../state";

/** Light or dark, as found around the debugger. */
export type Theme = "light" | "dark";

/** What every view may use. */
export interface ViewContext {
  store: DebuggerStore;
  /** The processes of a distributed training; null where only one run is shown. */
  ranks: Ranks | null;
  theme: ReadonlySignal<Theme>;
  /** Where Netron comes from; null where there is none. */
  netron(): NetronSource | null;
}

export const DebuggerContext = createContext<ViewContext | null>(null);

export function useDebugger(): ViewContext {
  const context = useContext(DebuggerContext);
  if (context === null) throw new Error("A view was rendered outside DebuggerContext.");
  return context;
}

export function useRanks(): Ranks | null {
  return useDebugger().ranks;
}

export function useStore(): DebuggerStore {
  return useDebugger().store;
}
