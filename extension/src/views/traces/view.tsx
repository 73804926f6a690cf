import { useMemo, useRef, useState } from "preact/hooks";
import type { Answer } from "../../protocol";
import { isWithin } from "../../state";
import { useStore } from "../shared/context";
import { Toggle } from "../shared/controls";
import { DivergenceJumps } from "../shared/divergence_jumps";
import { formatDuration, plural } from "../shared/format";
import { markOf } from "../shared/marks";
import { Empty, Failure, Loading, Notes } from "../shared/messages";
import { NothingSampled } from "../shared/nothing_sampled";
import { useResource } from "../shared/use_resource";
import { useSize } from "../shared/use_size";
import { VirtualList } from "../shared/virtual_list";
import { TraceDetails } from "./details";
import { type TraceLayout, traceLayout } from "./layout";
import { SectionRow, SiteRow, TraceHeader } from "./row";
import {
  countVerdicts,
  itemOfModule,
  itemOfSite,
  itemWithin,
  type TraceFilter,
  type TraceItem,
  traceItems,
} from "./rows";

const ROW_HEIGHT = 24;
const HEADER_HEIGHT = 44;
/** Kept free for the scroll bar, in px. */
const SCROLL_BAR = 16;

type Traces = Answer<"traces">;

/** Every tensor of the shown step, eager beside ORT, in execution order. */
export function TracesView({ active }: { active: boolean }) {
  const store = useStore();
  const step = store.sampledStep.value;
  const traces = useResource("traces", step === null ? null : { step }, active);
  if (step === null) return <NothingSampled what="Statistics of every tensor, eager beside ORT," />;
  if (traces.error) return <Failure message={traces.error} onRetry={traces.retry} />;
  if (!traces.data) return <Loading what={`step ${step}`} />;
  return <TracesBody traces={traces.data} />;
}

function TracesBody({ traces }: { traces: Traces }) {
  const { selection } = useStore();
  const [filter, setFilter] = useState<TraceFilter>({ text: "", divergentOnly: false });
  const items = useMemo(() => traceItems(traces.rows, filter), [traces, filter]);
  const box = useRef<HTMLElement>(null);
  const width = useSize(box).width - SCROLL_BAR;
  const layout = useMemo(() => traceLayout(traces.rows, width), [traces, width]);
  const siteId = selection.siteId.value;
  const module = selection.module.value;
  const selected = siteId === null ? itemOfModule(items, module) : itemOfSite(items, siteId);
  const current = items[selected];
  return (
    <section ref={box} class="ov-traces" data-testid="traces" data-step={traces.step}>
      <TracesToolbar traces={traces} filter={filter} onFilter={setFilter} />
      {items.length === 0 ? (
        <Empty title="No site passes the filter.">
          <button
            type="button"
            class="ov-button"
            onClick={() => setFilter({ text: "", divergentOnly: false })}
          >
            Show all {plural(traces.rows.length, "site")}
          </button>
        </Empty>
      ) : (
        <VirtualList
          label={`Tensors of step ${traces.step}`}
          role="grid"
          testid="traces-table"
          count={items.length}
          rowHeight={ROW_HEIGHT}
          headerHeight={HEADER_HEIGHT}
          header={<TraceHeader layout={layout} />}
          rowWidth={layout.width}
          selected={selected}
          revealed={itemWithin(items, module)}
          revealKey={`${siteId}|${module}`}
          selectable={(index) => items[index]?.kind === "site"}
          onSelect={(index) => {
            const item = items[index];
            if (item?.kind === "site") selection.pickSite(item.row);
          }}
          rowProps={(index) => itemProps(items[index], module, traces)}
          renderRow={(index) => <Item item={items[index]} layout={layout} />}
        />
      )}
      <TraceDetails
        row={current?.kind === "site" ? current.row : null}
        hooks={traces.hook_events}
        step={traces.step}
      />
      <Notes notes={traces.notes} />
    </section>
  );
}

function Item({ item, layout }: { item: TraceItem | undefined; layout: TraceLayout }) {
  if (item === undefined) return null;
  return item.kind === "section" ? (
    <SectionRow item={item} />
  ) : (
    <SiteRow row={item.row} layout={layout} />
  );
}

function itemProps(item: TraceItem | undefined, module: string | null, traces: Traces) {
  if (item === undefined) return {};
  if (item.kind === "section") {
    return { class: "ov-row-section", "data-testid": `trace-section-${item.direction}` };
  }
  const { row } = item;
  const lit = module !== null && module !== "" && isWithin(row.module, module) ? " ov-lit" : "";
  return {
    class: `ov-row-${row.verdict}${lit}${markOf(row.site_id, traces)}`,
    "data-testid": "trace-row",
    "data-site": row.site_id,
    "data-verdict": row.verdict,
    "data-origin": row.origin,
  };
}

function TracesToolbar(props: {
  traces: Traces;
  filter: TraceFilter;
  onFilter(filter: TraceFilter): void;
}) {
  const { traces, filter, onFilter } = props;
  const { selection } = useStore();
  const counts = countVerdicts(traces.rows);
  const asked = selection.pickedStep.value;
  return (
    <div class="ov-toolbar">
      <input
        type="search"
        class="ov-input"
        placeholder="Filter modules, types, values"
        aria-label="Filter sites"
        value={filter.text}
        onInput={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
        data-testid="trace-filter"
      />
      <Toggle
        label={`only divergent (${counts.divergent})`}
        checked={filter.divergentOnly}
        onChange={(divergentOnly) => onFilter({ ...filter, divergentOnly })}
        testid="only-divergent"
      />
      <DivergenceJumps
        first={traces.first_divergence}
        own={traces.first_own_divergence}
        find={(siteId) => traces.rows.find((row) => row.site_id === siteId) ?? null}
      />
      <span class="ov-muted ov-toolbar-end">
        {asked !== null && asked !== traces.step && (
          <span class="ov-look">
            step {asked} was not sampled; this is step {traces.step} ·{" "}
          </span>
        )}
        {traces.fallback && <span class="ov-look">ran in eager PyTorch (fallback) · </span>}
        <span title={TIMES_MEAN}>
          {traces.mode} · eager with hooks {formatDuration(traces.eager_secs)} · ORT{" "}
          {formatDuration(traces.ort_secs)}
        </span>
      </span>
    </div>
  );
}

/** Lest the two times be read as a race. */
const TIMES_MEAN =
  "Forward and backward of this sampled step. The eager side ran with hooks, copies and ORT's " +
  "dropout masks, ORT's with further outputs: the two do not tell which is faster.";
