import { useEffect, useRef } from "preact/hooks";
import type { Hit, SearchResult } from "../../state/graph";
import { plural } from "../shared/format";

interface SearchHitsProps {
  /** Of the list of hits; hit number 3 has the id `<id>-3`. */
  id: string;
  /** Null while it is looked for. */
  result: SearchResult | null;
  at: number;
  onChoose(index: number, event: MouseEvent): void;
}

/** What was found, below the search box. */
export function SearchHits({ id, result, at, onChoose }: SearchHitsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div class="ov-search-hits">
      <p class="ov-muted" role="status" data-testid="graph-search-count">
        {result === null ? "Searching …" : plural(result.count, "hit")}
      </p>
      <div ref={list} role="listbox" id={id} aria-label="Search hits">
        {result?.hits.map((hit, index) => (
          // Keys are the search box's, which keeps the focus.
          // biome-ignore lint/a11y/useKeyWithClickEvents: see above
          <div
            key={`${hit.kind} ${index} ${hit.text}`}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            class={index === at ? "ov-on" : ""}
            // A press must not take the focus: the list would be gone before the click.
            onMouseDown={(event) => event.preventDefault()}
            onClick={(event) => onChoose(index, event)}
            data-testid="graph-hit"
            data-kind={hit.kind}
          >
            <HitText hit={hit} />
          </div>
        ))}
      </div>
    </div>
  );
}

function HitText({ hit }: { hit: Hit }) {
  return (
    <>
      <span class="ov-tag">{hit.kind}</span>
      <span class="ov-hit-name" title={hit.text}>
        <bdi>{hit.text}</bdi>
      </span>
      <span class="ov-muted ov-ellipsis">{hit.detail}</span>
    </>
  );
}
