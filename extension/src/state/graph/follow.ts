import { HEADER_HEIGHT } from "../../graph/sizes";
import { groupItem, type ItemId, isGroup, itemGroup, type PlacedItem } from "../../graph/types";
import type { GraphInspector } from "./inspector";
import type { GraphPane } from "./pane";

/**
 * What to call when the user moves a pane: the others show in their middle what it shows in its.
 *
 * Moving by this tells nobody, so panes cannot push each other in circles; and it happens at most
 * once a frame.
 */
export function followViewport(inspector: GraphInspector, pane: GraphPane): () => void {
  let due = false;
  return () => {
    if (due || !inspector.follow.peek()) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      centreOthers(inspector, pane);
    });
  };
}

/** Show in all other panes what is in the middle of one, at the same place and zoom. */
export function centreOthers(inspector: GraphInspector, pane: GraphPane): void {
  const centre = pane.scene?.centre();
  const structure = pane.structure.peek();
  if (centre == null || structure === null || pane.scene === null) return;
  const around = isGroup(centre.item) ? itemGroup(centre.item) : structure.parentOf(centre.item);
  const modules = structure.groupPath(around).map((group) => structure.group(group).module);
  inspector.treeFollow.graphMoved(modules.findLast((module) => module !== null) ?? null);
  const { zoom } = pane.scene.viewport;
  for (const other of inspector.panes) {
    if (other === pane) continue;
    const item = counterpart(inspector, pane, centre.item, other);
    if (item !== null) centreOn(other, item, centre, zoom);
  }
}

/** The box in another pane that stands for a box of this one. */
export function counterpart(
  inspector: GraphInspector,
  pane: GraphPane,
  item: ItemId,
  other: GraphPane,
): ItemId | null {
  const [from, to] = [pane.structure.peek(), other.structure.peek()];
  if (from === null || to === null) return null;
  if (!isGroup(item)) {
    const { mode, stage } = from;
    const mapped =
      mode === to.mode && stage === to.stage
        ? [item]
        : (mode === to.mode && inspector.lineage.peek()?.map(stage, [item], to.stage)) || [];
    if (mapped[0] !== undefined) return other.visible(mapped[0]);
  }
  const group = isGroup(item) ? itemGroup(item) : from.parentOf(item);
  for (const around of from.groupPath(group).reverse()) {
    const { module } = from.group(around);
    // A stage without a backward half shows the same module in its forward half.
    const [sameModule] = module === null || module === "" ? [] : to.groupsOfModule(module);
    const found = to.groupByKey(from.groupKey(around)) ?? sameModule;
    if (found !== undefined) return other.visible(groupItem(found));
  }
  return null;
}

/** Where a box is looked at, below its top: an open group at its title, as `Scene.centre` does. */
export const eyeOf = ({ open, height }: PlacedItem) =>
  (open ? Math.min(HEADER_HEIGHT, height) : height) / 2;

/** Put a box where its counterpart is on the other pane's screen, at the same zoom. */
function centreOn(pane: GraphPane, item: ItemId, at: { x: number; y: number }, zoom: number): void {
  const placed = pane.placed(item);
  if (placed === null || pane.scene === null) return;
  pane.scene.viewport = {
    zoom,
    x: at.x - (placed.x + placed.width / 2) * zoom,
    y: at.y - (placed.y + eyeOf(placed)) * zoom,
  };
}
