/** From levels, each relative to its own corner, to places in the world. */
import type { LevelLayout } from "./level_layout";
import type { LocalGraph } from "./local_graph";
import type { Sheet } from "./sheet";

export interface LaidOut {
  graph: LocalGraph;
  layout: LevelLayout;
}

/** Put a level's boxes and lines, and those of the open groups in it, on a sheet. */
export function placeLevel(
  levels: ReadonlyMap<number, LaidOut>,
  group: number,
  x: number,
  y: number,
  depth: number,
  sheet: Sheet,
): void {
  // Groups lie a hundred deep at most in any model, but a file may say otherwise: no recursion.
  const waiting = [{ group, x, y, depth }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const level = levels.get(at.group);
    if (level === undefined) continue;
    const { graph, layout } = level;
    const inner: typeof waiting = [];
    graph.items.forEach((item, index) => {
      const left = (at as { x: number }).x + (layout.x[index] as number);
      const top = (at as { y: number }).y + (layout.y[index] as number);
      const open = graph.open[index] !== null;
      sheet.boxes.push({
        item,
        x: left,
        y: top,
        width: graph.width[index] as number,
        height: graph.height[index] as number,
        depth: (at as { depth: number }).depth,
        open,
      });
      if (open) {
        inner.push({
          group: -1 - item,
          x: left,
          y: top,
          depth: (at as { depth: number }).depth + 1,
        });
      }
    });
    waiting.push(...inner.reverse());
    placeLines(level, at.group, at.x, at.y, sheet);
  }
}

function placeLines(level: LaidOut, group: number, x: number, y: number, sheet: Sheet): void {
  const border = -1 - group;
  const { graph, layout } = level;
  graph.lines.forEach((line, index) => {
    const points = (layout.points[index] as Float32Array).slice();
    for (let at = 0; at < points.length; at += 2) {
      points[at] = (points[at] as number) + x;
      points[at + 1] = (points[at + 1] as number) + y;
    }
    sheet.lines.push({
      from: line.from < 0 ? border : (graph.items[line.from] as number),
      to: line.to < 0 ? border : (graph.items[line.to] as number),
      edges: line.edges,
      points,
      stub: layout.stub[index] === true,
      crossing: false,
    });
  });
}
