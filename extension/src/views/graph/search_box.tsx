import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type GraphInspector, type Hit, type SearchResult, search } from "../../state/graph";
import { useStore } from "../shared/context";
import { useInspector } from "./inspector_context";
import { SearchHits } from "./search_hits";

/** Typing must rest this long before it is searched. */
const SETTLE_MS = 80;

/**
 * Finds operators, modules, nodes, tensors and findings of the stage on the right. Choosing a hit
 * closes the list, unless Ctrl, Shift or Cmd is held; Escape also gives the focus back.
 *
 * Test ids: `graph-search`, `graph-search-count`, `graph-hit` (with `data-kind`).
 */
export function SearchBox() {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const result = useSearch(text, setAt);
  const { remember, giveBack } = useFocusBefore();
  const choose = useChoose(result, setAt, setOpen);
  const shown = open && text.trim() !== "";
  const last = (result?.hits.length ?? 0) - 1;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
    if (event.key === "Escape") {
      setOpen(false);
      giveBack(event.currentTarget);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!shown) setOpen(true);
      else setAt(Math.max(Math.min(at + (event.key === "ArrowDown" ? 1 : -1), last), 0));
    } else if (event.key === "Enter") choose(at, event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="ov-search" onFocusIn={remember} onFocusOut={leaving(() => setOpen(false))}>
      <input
        {...comboBox(id, shown, last < 0 ? null : at)}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onClick={() => setOpen(true)}
        onKeyDown={onKeyDown}
        data-testid="graph-search"
      />
      {shown && <SearchHits id={id} result={result} at={at} onChoose={choose} />}
    </div>
  );
}

/** What an input that opens a list is to a screen reader. */
const comboBox = (id: string, shown: boolean, at: number | null) => ({
  type: "text" as const,
  class: "ov-input",
  placeholder: "Search (/)",
  role: "combobox" as const,
  "aria-label": "Search operators, names, modules, tensors and findings",
  "aria-expanded": shown,
  "aria-controls": id,
  "aria-activedescendant": shown && at !== null ? `${id}-${at}` : undefined,
});

/** Hears of the focus leaving an element and all that is in it. */
const leaving = (left: () => void) => (event: FocusEvent & { currentTarget: HTMLElement }) => {
  if (!event.currentTarget.contains(event.relatedTarget as Node | null)) left();
};

/** Go to a hit; the list is closed unless a key is held that says there will be more. */
function useChoose(
  result: SearchResult | null,
  setAt: (at: number) => void,
  setOpen: (open: boolean) => void,
) {
  const inspector = useInspector();
  return (index: number, event: KeyboardEvent | MouseEvent) => {
    const hit = result?.hits[index];
    if (hit === undefined) return;
    setAt(index);
    go(inspector, hit);
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) setOpen(false);
  };
}

/** Gives the focus back to who had it before, else to the picture. */
function useFocusBefore() {
  const before = useRef<HTMLElement | null>(null);
  const remember = ({
    currentTarget,
    relatedTarget,
  }: FocusEvent & { currentTarget: HTMLElement }) => {
    if (!currentTarget.contains(relatedTarget as Node | null)) {
      before.current = relatedTarget as HTMLElement | null;
    }
  };
  const giveBack = (from: HTMLElement) => {
    const scenes = from.closest(".ov-graph")?.querySelectorAll<HTMLElement>(".ov-scene") ?? [];
    const known = before.current?.isConnected ? before.current : null;
    (known ?? [...scenes].at(-1))?.focus();
  };
  return { remember, giveBack };
}

function go(inspector: GraphInspector, hit: Hit): void {
  if (hit.kind === "module") inspector.pickModule(hit.module);
  else if (hit.kind === "finding") inspector.store.selection.goToFinding(hit.finding, "graph");
  else {
    const structure = inspector.right.structure.peek();
    // All nodes of an operator are marked where they are; opening hundreds of groups is no help.
    if (structure) inspector.pickNodes(structure, hit.nodes, hit.nodes.length === 1);
  }
}

/** What is found; null while it is looked for. */
function useSearch(text: string, setAt: (at: number) => void): SearchResult | null {
  const { cache } = useStore();
  const { right } = useInspector();
  const structure = right.structure.value;
  const [result, setResult] = useState<SearchResult | null>(null);
  useEffect(() => {
    setResult(null);
    setAt(0);
    if (structure === null || text.trim() === "") return;
    const stop = new AbortController();
    const findings = cache.resource("findings", {}).data.peek()?.rows ?? [];
    const timer = setTimeout(() => {
      search(structure, findings, text, stop.signal).then(
        (found) => !stop.signal.aborted && setResult(found),
        // Only an abort rejects; another search is under way then.
        () => {},
      );
    }, SETTLE_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [structure, text]);
  return result;
}
