import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { prewarmLayout } from "../../graph/layout";
import { GraphStructure } from "../../graph/structure";
import type { ItemId, LayoutProgress, ScenePalette } from "../../graph/types";
import { isGroup, itemGroup } from "../../graph/types";
import { GraphViewer } from "../../graph/viewer";
import { type Answer, errorText, type ModeName, type StageName } from "../../protocol";
import type { Selection } from "../../state";
import { useDebugger } from "../shared/context";
import { formatCount } from "../shared/format";
import { Failure, Loading, Notes } from "../shared/messages";
import { useResource } from "../shared/use_resource";

interface PictureProps {
  mode: ModeName;
  stage: StageName;
  active: boolean;
}

/** One stage drawn as a hierarchy of modules, whose groups open and close in place. */
export function GraphPicture({ mode, stage, active }: PictureProps) {
  useEffect(() => {
    if (active) prewarmLayout();
  }, [active]);
  const answer = useResource("graph_structure", { mode, stage }, active);
  if (answer.error) return <Failure message={answer.error} onRetry={answer.retry} />;
  if (answer.data === null) return <Loading what="the graph" />;
  return <Drawn key={`${answer.data.mode}/${answer.data.stage}`} answer={answer.data} />;
}

function Drawn({ answer }: { answer: Answer<"graph_structure"> }) {
  const { store, theme } = useDebugger();
  const structure = useMemo(() => new GraphStructure(answer), [answer]);
  const element = useRef<HTMLDivElement>(null);
  const viewer = useRef<GraphViewer | null>(null);
  const [progress, setProgress] = useState<LayoutProgress | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    const host = element.current;
    if (host === null) return;
    setFailure(null);
    const made = new GraphViewer(host, structure, scenePalette(host), {
      pick: (item) => pickItem(store.selection, structure, item, made),
      progress: setProgress,
      failed: (error) => setFailure(errorText(error)),
    });
    viewer.current = made;
    return () => made.dispose();
  }, [structure]);
  useEffect(() => {
    if (element.current) viewer.current?.scene.recolour(scenePalette(element.current));
  }, [theme.value]);
  return (
    <>
      <div class="ov-picture-bar" role="toolbar" aria-label="Picture">
        <Action name="expand-all" label="Expand all" run={() => viewer.current?.expandAll()} />
        <Action
          name="collapse-all"
          label="Collapse all"
          run={() => viewer.current?.collapseAll()}
        />
        <Action name="fit" label="Fit" run={() => viewer.current?.scene.fit()} />
        <span class="ov-muted" role="status">
          {progress !== null && `laying out ${progressText(progress)}`}
        </span>
      </div>
      {failure !== null && <Failure message={failure} />}
      <div ref={element} class="ov-picture" data-testid="graph-scene" />
      <Notes notes={answer.notes} />
    </>
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

function progressText({ done, total }: LayoutProgress): string {
  return total === 0 ? "…" : `${formatCount(done)} of ${formatCount(total)} groups`;
}

/** What is selected here is selected in all views. */
function pickItem(
  selection: Selection,
  structure: GraphStructure,
  item: ItemId | null,
  viewer: GraphViewer,
): void {
  viewer.scene.select(item === null ? [] : [item]);
  if (item === null) selection.pickModule(null);
  else if (isGroup(item)) selection.pickModule(structure.group(itemGroup(item)).module);
  else {
    const group = structure.parentOf(item);
    const value = structure.outputsOf(item)[0];
    selection.pickNode(
      group < 0 ? null : structure.group(group).module,
      value === undefined ? null : structure.valueName(value),
      null,
    );
  }
}

/** The colours the style sheet gives. */
function scenePalette(element: HTMLElement): ScenePalette {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    surface: color("--ov-surface"),
    ink: color("--ov-ink"),
    muted: color("--ov-muted"),
    line: color("--ov-line"),
    forward: color("--ov-reference"),
    backward: color("--ov-candidate"),
    groupFill: color("--ov-raised"),
    select: color("--ov-look"),
    hover: color("--ov-look-2"),
    font: getComputedStyle(element).fontFamily,
  };
  probe.remove();
  return palette;
}
