import { type ItemId, isGroup, type SceneEvents, type Viewport } from "../types";
import type { Indexed } from "./boxes";
import type { KeyActions } from "./keys";
import { extreme, neighbour } from "./neighbour";
import { leashed, MAX_ZOOM, minZoom, type Size, zoomedAround } from "./viewport";

/** What the keyboard needs of the scene. */
export interface Walked {
  readonly model: Indexed;
  readonly screen: Size;
  readonly viewport: Viewport;
  readonly events: SceneEvents;
  /** Where the keyboard is; null until it is somewhere. */
  readonly cursor: ItemId | null;
  centre(): { item: ItemId } | null;
  /** Put the keyboard on a box, and the box on screen. */
  goTo(item: ItemId | null): void;
  /** Move as the user wants it. */
  moveTo(viewport: Viewport): void;
  fitByHand(): void;
  /** @returns Whether anything was marked. */
  unmark(): boolean;
}

/** What each key does to a scene. */
export function walking(scene: Walked): KeyActions {
  const withCursor = (act: (item: ItemId) => void) => () => {
    if (scene.cursor !== null) act(scene.cursor);
  };
  return {
    step: (direction) => {
      const { cursor, model } = scene;
      const next = cursor === null ? null : neighbour(model, cursor, direction);
      scene.goTo(next ?? cursor ?? scene.centre()?.item ?? null);
    },
    end: (end) => scene.goTo(extreme(scene.model, end)),
    enter: withCursor((item) => {
      if (isGroup(item)) scene.events.toggle?.(item);
      else scene.events.pick?.(item);
    }),
    pick: withCursor((item) => scene.events.pick?.(item)),
    zoomBy: (factor) => {
      const { viewport, screen, model } = scene;
      const least = minZoom(model.picture, screen);
      const zoom = Math.min(Math.max(viewport.zoom * factor, least), MAX_ZOOM);
      scene.moveTo(zoomedAround(viewport, screen.width / 2, screen.height / 2, zoom));
    },
    fit: () => scene.fitByHand(),
    clear: () => scene.unmark(),
    pan: (x, y) => {
      const { viewport, screen, model } = scene;
      const target = { ...viewport, x: viewport.x + x, y: viewport.y + y };
      scene.moveTo(leashed(target, model.picture, screen));
    },
  };
}
