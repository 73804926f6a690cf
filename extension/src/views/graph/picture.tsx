import { useEffect, useRef } from "preact/hooks";
import { createScene } from "../../graph/scene";
import type { GraphStructure } from "../../graph/structure";
import { errorText } from "../../protocol";
import type { GraphPane } from "../../state/graph";
import { useDebugger } from "../shared/context";
import { formatCount } from "../shared/format";
import { Failure } from "../shared/messages";
import { Legend } from "./legend";
import { scenePalette } from "./palette";
import { usePaneOverlay } from "./use_overlay";

interface PictureProps {
  pane: GraphPane;
  structure: GraphStructure;
  active: boolean;
  /** Sentences about the graph. */
  notes: readonly string[];
}

/**
 * One stage drawn as a hierarchy of modules, whose groups open and close in place.
 *
 * Test ids: `graph-scene` (its `data-boxes` counts the boxes of the picture), `graph-progress`,
 * `graph-cancel`.
 */
export function GraphPicture({ pane, structure, active, notes }: PictureProps) {
  const { theme } = useDebugger();
  const element = useRef<HTMLDivElement>(null);
  useScene(pane, structure, element);
  const { overlay, record } = usePaneOverlay(structure, active);
  useEffect(() => pane.scene?.paint(overlay), [pane, overlay, structure]);
  useEffect(() => {
    if (element.current) pane.scene?.recolour(scenePalette(element.current));
  }, [pane, theme.value]);
  const failure = pane.failure.value;
  const boxes = pane.picture.value?.items.length ?? 0;
  return (
    <>
      <div class="ov-picture-frame">
        <div ref={element} class="ov-picture" data-testid="graph-scene" data-boxes={boxes} />
        <Progress pane={pane} />
        {failure !== null && (
          <div class="ov-netron-cover">
            <Failure message={errorText(failure)} onRetry={() => pane.collapseAll()} />
          </div>
        )}
      </div>
      <Legend overlay={overlay} record={record} halves={hasHalves(structure)} notes={notes} />
    </>
  );
}

const hasHalves = (structure: GraphStructure) =>
  structure.groups.some(({ kind }) => kind === "half");

/** A scene for as long as the structure is shown; the pane draws into it. */
function useScene(
  pane: GraphPane,
  structure: GraphStructure,
  element: { current: HTMLDivElement | null },
): void {
  useEffect(() => {
    const host = element.current;
    if (host === null) return;
    const scene = createScene(host, structure, scenePalette(host), {
      pick: (item) => pane.heard.picked?.(item),
      toggle: (item) => pane.toggle(item),
      move: () => pane.heard.moved?.(),
    });
    pane.attach(scene, structure);
    return () => {
      pane.attach(null);
      scene.dispose();
    };
  }, [pane, structure]);
}

/** How far a layout is that takes long, with a way out. */
function Progress({ pane }: { pane: GraphPane }) {
  const progress = pane.progress.value;
  if (progress === null) return null;
  const { done, total } = progress;
  return (
    <div class="ov-picture-progress" role="status" data-testid="graph-progress">
      {total === 0 ? <progress /> : <progress value={done} max={total} />}
      {total === 0
        ? "Laying out …"
        : `Laying out: ${formatCount(done)} of ${formatCount(total)} groups`}
      <button
        type="button"
        class="ov-button"
        onClick={() => pane.cancel()}
        data-testid="graph-cancel"
      >
        Cancel
      </button>
    </div>
  );
}
