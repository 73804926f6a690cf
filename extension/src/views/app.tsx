import type { ComponentType } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { ViewName } from "../protocol";
import { FindingsView } from "./findings/view";
import { GradientsView } from "./gradients/view";
import { GraphView } from "./graph/view";
import { LossesView } from "./losses/view";
import { useDebugger } from "./shared/context";
import { px } from "./shared/format";
import { Failure } from "./shared/messages";
import { ResizeHandle } from "./shell/resize";
import { StatusLine } from "./shell/status_line";
import { StepStrip } from "./shell/step_strip";
import { Tabs, VIEWS } from "./shell/tabs";
import { TracesView } from "./traces/view";

const PANELS: Record<ViewName, ComponentType<{ active: boolean }>> = {
  losses: LossesView,
  graph: GraphView,
  traces: TracesView,
  gradients: GradientsView,
  findings: FindingsView,
};

/** How tall the page's part is, and who hears when the user drags it. */
export interface PageProps {
  /** In px; null fills whatever it is in. */
  height: number | null;
  onHeight: ((height: number) => void) | null;
  /** Said below the tabs, for example what a report contains. */
  notes: readonly string[];
}

/** The debugger: the run on top, five views of it, and what is selected at the bottom. */
export function App(props: PageProps) {
  const { store, ranks, theme } = useDebugger();
  const id = useId();
  const root = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(props.height);
  const failure = store.run.error.value;
  const resize = (value: number) => {
    setHeight(value);
    props.onHeight?.(value);
  };
  return (
    <div
      ref={root}
      class="ov"
      data-theme={theme.value}
      data-testid="ortviz"
      // Arrow keys are the views' own here; JupyterLab would move to another cell.
      data-lm-suppress-shortcuts="true"
      style={{ height: height === null ? "100%" : px(height) }}
    >
      <StepStrip />
      <Tabs
        id={id}
        onExpand={document.fullscreenEnabled ? () => toggleFullScreen(root.current) : null}
      />
      {failure ? (
        <main class="ov-panels">
          <Failure message={failure} onRetry={() => store.retry(store.run)} />
        </main>
      ) : (
        // Views belong to one process; what is selected belongs to all.
        <Panels key={ranks?.picked.value ?? "own"} id={id} />
      )}
      {props.notes.length > 0 && <ReportNotes notes={props.notes} />}
      <StatusLine />
      {height !== null && <ResizeHandle height={height} onHeight={resize} />}
    </div>
  );
}

/** Views are made when first opened, then kept, so that scroll and zoom stay. */
function Panels({ id }: { id: string }) {
  const { selection } = useDebugger().store;
  const current = selection.view.value;
  const opened = useRef(new Set<ViewName>());
  opened.current.add(current);
  return (
    <main class="ov-panels">
      {VIEWS.map((name) => {
        const View = PANELS[name];
        return (
          <div
            key={name}
            role="tabpanel"
            id={`${id}-panel-${name}`}
            aria-labelledby={`${id}-tab-${name}`}
            hidden={name !== current}
            class="ov-panel"
            data-testid={`panel-${name}`}
          >
            {opened.current.has(name) && <View active={name === current} />}
          </div>
        );
      })}
    </main>
  );
}

function ReportNotes({ notes }: { notes: readonly string[] }) {
  return (
    <details class="ov-report-notes">
      <summary>What this report contains</summary>
      <ul>
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </details>
  );
}

function toggleFullScreen(element: HTMLElement | null): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void element?.requestFullscreen();
}
