import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type GraphInspector, type Hit, type SearchResult, search } from "../../state/graph";
import { useStore } from "../shared/context";
import { plural } from "../shared/format";
import { useInspector } from "./inspector_context";

/** Typing must rest this long before it is searched. */
const SETTLE_MS = 80;

/**
 * Finds operators, modules, nodes, tensors and findings of the stage on the right.
 *
 * Test ids: `graph-search`, `graph-search-count`, `graph-hit` (with `data-kind`).
 */
export function SearchBox() {
  const inspector = useInspector();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const result = useSearch(text, setAt);
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const hits = result?.hits ?? [];
  const choose = (index: number) => {
    const hit = hits[index];
    if (hit === undefined) return;
    setAt(index);
    go(inspector, hit);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") setOpen(false);
    else if (event.key === "Enter") choose(at);
    else if (event.key === "ArrowDown") setAt(Math.min(at + 1, hits.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const shown = open && text.trim() !== "";
  return (
    <div
      class="ov-search"
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false);
      }}
    >
      <input
        type="text"
        class="ov-input"
        placeholder="Search (/)"
        aria-label="Search operators, names, modules, tensors and findings"
        role="combobox"
        aria-expanded={shown}
        aria-controls={id}
        aria-activedescendant={shown && hits.length > 0 ? `${id}-${at}` : undefined}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onKeyDown={onKeyDown}
        data-testid="graph-search"
      />
      {shown && (
        <div class="ov-search-hits">
          <p class="ov-muted" role="status" data-testid="graph-search-count">
            {result === null ? "Searching …" : plural(result.count, "hit")}
          </p>
          <div ref={list} role="listbox" id={id} aria-label="Search hits">
            {hits.map((hit, index) => (
              <div
                key={`${hit.kind} ${index} ${hit.text}`}
                id={`${id}-${index}`}
                role="option"
                aria-selected={index === at}
                class={index === at ? "ov-on" : ""}
                // A press must not take the focus: the list would be gone before the click.
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => choose(index)}
                onKeyDown={onKeyDown}
                data-testid="graph-hit"
                data-kind={hit.kind}
              >
                <span class="ov-tag">{hit.kind}</span>
                <span class="ov-ellipsis" title={hit.text}>
                  {hit.text}
                </span>
                <span class="ov-muted ov-ellipsis">{hit.detail}</span>
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
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
