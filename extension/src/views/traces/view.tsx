import type { ComponentChildren } from "preact";
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
import { innerKey, isInner, NOTHING_UNFOLDED, type Unfolded, unfolded } from "./inner";
import { type TraceLayout, traceLayout } from "./layout";
import { FoldRow, SectionRow, SiteRow, TraceHeader } from "./row";
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
  const [byHand, setByHand] = useState<Unfolded>(NOTHING_UNFOLDED);
  const siteId = selection.siteId.value;
  const open = useMemo(() => unfolded(byHand, traces.rows, siteId), [byHand, traces, siteId]);
  const items = useMemo(() => traceItems(traces.rows, filter, open), [traces, filter, open]);
  const box = useRef<HTMLElement>(null);
  const width = useSize(box).width - SCROLL_BAR;
  const layout = useMemo(() => traceLayout(traces.rows, width), [traces, width]);
  const module = selection.module.value;
  const selected = siteId === null ? itemOfModule(items, module) : itemOfSite(items, siteId);
  const current = items[selected];
  const toggle = (key: string) => {
    // A fold over the selected site would not stay closed.
    const holds = current?.kind === "site" && isInner(current.row) && innerKey(current.row) === key;
    if (holds) selection.pickModule(current.row.module);
    setByHand(flip(open, key));
  };
  return (
    <section ref={box} class="ov-traces" data-testid="traces" data-step={traces.step}>
      <TracesToolbar traces={traces} filter={filter} onFilter={setFilter}>
        <InnerToggle rows={traces.rows} open={byHand} onChange={setByHand} />
      </TracesToolbar>
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
          renderRow={(index) => <Item item={items[index]} layout={layout} onToggle={toggle} />}
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

function Item(props: {
  item: TraceItem | undefined;
  layout: TraceLayout;
  onToggle(key: string): void;
}) {
  const { item, layout, onToggle } = props;
  if (item === undefined) return null;
  if (item.kind === "section") return <SectionRow item={item} />;
  if (item.kind === "fold") return <FoldRow item={item} onToggle={onToggle} />;
  return <SiteRow row={item.row} layout={layout} />;
}

/** Lists the values inside of all modules; not there where none were read. */
function InnerToggle(props: {
  rows: Traces["rows"];
  open: Unfolded;
  onChange(open: Unfolded): void;
}) {
  const count = useMemo(() => props.rows.filter(isInner).length, [props.rows]);
  if (count === 0) return null;
  return (
    <Toggle
      label={`inside modules (${count})`}
      checked={props.open === "all"}
      onChange={(all) => props.onChange(all ? "all" : NOTHING_UNFOLDED)}
      testid="inside-modules"
    />
  );
}

/** Fold or unfold one group; of all unfolded ones, the others are folded. */
function flip(open: Unfolded, key: string): Unfolded {
  if (open === "all") return NOTHING_UNFOLDED;
  const changed = new Set(open);
  if (!changed.delete(key)) changed.add(key);
  return changed;
}

function itemProps(item: TraceItem | undefined, module: string | null, traces: Traces) {
  if (item === undefined) return {};
  if (item.kind === "section") {
    return { class: "ov-row-section", "data-testid": `trace-section-${item.direction}` };
  }
  if (item.kind === "fold") return { class: "ov-row-fold", "data-testid": "trace-fold-row" };
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
  children?: ComponentChildren;
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
      {props.children}
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
