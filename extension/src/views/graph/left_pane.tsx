import type { Answer, ModeName, StageName } from "../../protocol";
import type { LeftContent } from "../../state/graph";
import { useStore } from "../shared/context";
import { useInspector } from "./inspector_context";
import { ModuleTree } from "./module_tree";
import { Stage } from "./stage";
import { findStage } from "./stages";

interface LeftProps {
  graphs: Answer<"graphs"> | null;
  active: boolean;
}

/** The module tree of eager PyTorch, or another stage, beside the stage on the right. */
export function LeftPane({ graphs, active }: LeftProps) {
  const inspector = useInspector();
  const { selection } = useStore();
  const content = inspector.leftContent.value;
  const stages = graphs?.stages ?? [];
  const choice = <LeftChoice stages={stages} />;
  if (content.kind === "stage") {
    const { mode, stage } = content;
    const row = findStage(stages, mode, stage);
    return <Stage pane={inspector.left} {...{ mode, stage, row, active }} leading={choice} />;
  }
  const row = findStage(stages, selection.mode.value, selection.stage.value);
  return (
    <>
      <div class="ov-graph-bar">{choice}</div>
      {content.kind === "modules" && <ModuleTree stage={row} active={active} />}
    </>
  );
}

/**
 * What the left pane shows.
 *
 * Test id: `graph-left`, whose values are `modules`, `closed` and `<mode>/<stage>`.
 */
export function LeftChoice({ stages }: { stages: Answer<"graphs">["stages"] }) {
  const inspector = useInspector();
  const { moduleTree } = useStore();
  const content = inspector.leftContent.value;
  return (
    <select
      class="ov-input ov-select ov-left-choice"
      aria-label="Left pane"
      value={textOf(content)}
      onChange={(event) => {
        inspector.leftContent.value = contentOf(event.currentTarget.value);
      }}
      data-testid="graph-left"
    >
      {moduleTree.value !== null && <option value="modules">eager PyTorch: modules</option>}
      {stages.map(({ mode, stage }) => (
        <option key={`${mode}/${stage}`} value={`${mode}/${stage}`}>
          {stage}, {mode}
        </option>
      ))}
      <option value="closed">no left pane</option>
    </select>
  );
}

function textOf(content: LeftContent): string {
  return content.kind === "stage" ? `${content.mode}/${content.stage}` : content.kind;
}

function contentOf(text: string): LeftContent {
  if (text === "modules" || text === "closed") return { kind: text };
  const [mode, stage] = text.split("/");
  return { kind: "stage", mode: mode as ModeName, stage: stage as StageName };
}
