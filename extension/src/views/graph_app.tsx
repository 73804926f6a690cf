import { useRef, useState } from "preact/hooks";
import type { PageProps } from "./app";
import { useFirstGraph } from "./graph/first_graph";
import { GraphView } from "./graph/view";
import { useDebugger } from "./shared/context";
import { px } from "./shared/format";
import { Failure, Notes } from "./shared/messages";
import { ResizeHandle } from "./shell/resize";
import { StatusLine } from "./shell/status_line";
import { StepStrip } from "./shell/step_strip";

/** The Graph view alone: for ONNX files and models that nothing was recorded of. */
export function GraphApp(props: PageProps) {
  const { store, ranks, theme } = useDebugger();
  const root = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(props.height);
  const failure = store.run.error.value;
  const steps = store.summary.data.value?.sampled_step_count ?? 0;
  useFirstGraph();
  const resize = (value: number) => {
    setHeight(value);
    props.onHeight?.(value);
  };
  return (
    <div
      ref={root}
      class="ov ov-graph-alone"
      data-theme={theme.value}
      data-testid="ortviz-graph"
      data-lm-suppress-shortcuts="true"
      style={{ height: height === null ? "100%" : px(height) }}
    >
      {steps > 0 && <StepStrip />}
      <main class="ov-panels">
        <div class="ov-panel" data-testid="panel-graph">
          {failure ? (
            <Failure message={failure} onRetry={() => store.retry(store.run)} />
          ) : (
            <GraphView key={ranks?.picked.value ?? "own"} active />
          )}
        </div>
      </main>
      <Notes notes={props.notes} />
      <StatusLine />
      {height !== null && <ResizeHandle height={height} onHeight={resize} />}
    </div>
  );
}
