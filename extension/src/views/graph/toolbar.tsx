import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { OVERLAYS, type OverlayName } from "../../graph/overlay";
import { useStore } from "../shared/context";
import { Toggle } from "../shared/controls";
import { ExportMenu } from "./export_menu";
import { useInspector } from "./inspector_context";
import { SearchBox } from "./search_box";
import { StepPlayer } from "./step_player";

/**
 * What is done with the graph on the right, and with the left one while it follows.
 *
 * Test ids: `graph-overlay`, `graph-expand-all`, `graph-collapse-all`, `graph-fit`,
 * `graph-follow`, `graph-export`, `graph-details-toggle`, `graph-more`.
 */
export function GraphToolbar(props: { details: boolean; onDetails(open: boolean): void }) {
  return (
    <div class="ov-toolbar ov-graph-toolbar" role="toolbar" aria-label="Graph">
      <SearchBox />
      <OverlayChoice />
      <More>
        <Actions />
      </More>
      <Toggle
        label="Details"
        checked={props.details}
        onChange={props.onDetails}
        testid="graph-details-toggle"
      />
    </div>
  );
}

/** What the picture is coloured by, and the steps where that makes a difference. */
function OverlayChoice() {
  const { overlay } = useInspector();
  const id = useId();
  const steps = useStore().summary.data.value?.sampled_steps.values.length ?? 0;
  const current = OVERLAYS.find(({ name }) => name === overlay.value);
  const choices = OVERLAYS.filter(({ needs }) => needs !== "step" || steps > 0);
  return (
    <>
      <label class="ov-muted ov-colours-label" for={id}>
        Colours
      </label>
      <select
        id={id}
        aria-label="Colours"
        class="ov-input ov-select"
        title={current?.title}
        value={overlay.value}
        onChange={(event) => {
          overlay.value = event.currentTarget.value as OverlayName;
        }}
        data-testid="graph-overlay"
      >
        {choices.map(({ name, label, title }) => (
          <option key={name} value={name} title={title}>
            {label}
          </option>
        ))}
      </select>
      {current?.needs === "step" && <StepPlayer />}
    </>
  );
}

function Actions() {
  const inspector = useInspector();
  return (
    <>
      <Action name="expand-all" label="Expand all" run={() => inspector.expandAll()} />
      <Action name="collapse-all" label="Collapse all" run={() => inspector.collapseAll()} />
      <Action name="fit" label="Fit" run={() => inspector.fit()} />
      <Toggle
        label="Follow"
        title="Selection, open groups and what is in the middle go together in both panes"
        checked={inspector.follow.value}
        onChange={(on) => {
          inspector.follow.value = on;
        }}
        testid="graph-follow"
      />
      <ExportMenu pane={inspector.right} />
    </>
  );
}

/** What stands in the toolbar where it is wide enough, and behind a button where it is not. */
function More({ children }: { children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <div
      class="ov-more"
      role="group"
      aria-label="More to do with the graph"
      data-open={open}
      onFocusOut={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOpen(false);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setOpen(false);
        event.currentTarget.querySelector("button")?.focus();
      }}
    >
      <button
        type="button"
        class="ov-button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        data-testid="graph-more"
      >
        More
      </button>
      <div class="ov-more-items">{children}</div>
    </div>
  );
}

function Action(props: { name: string; label: string; run(): void }) {
  return (
    <button
      type="button"
      class="ov-button"
      data-testid={`graph-${props.name}`}
      onClick={() => props.run()}
    >
      {props.label}
    </button>
  );
}
