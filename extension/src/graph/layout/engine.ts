/** The layout engine as the rest of the page sees it. */
import type { GraphStructure } from "../structure";
import type { LayoutEngine, LayoutProgress, Picture } from "../types";
import { layoutInput } from "./input";
import type { PackedPicture } from "./messages";
import { unpackPicture } from "./unpack";
import { type WorkerLike, WorkerLink } from "./worker_link";

export { prewarmLayout } from "./start_worker";

/**
 * Lays out one structure in a worker of its own.
 *
 * @param start Starts the worker; for tests.
 */
export function createLayoutEngine(
  structure: GraphStructure,
  start?: () => Promise<WorkerLike>,
): LayoutEngine {
  const link = new WorkerLink(() => layoutInput(structure), start);
  return {
    async layout(open, signal, onProgress): Promise<Picture> {
      signal?.throwIfAborted();
      const picture = await packedPicture(link, Int32Array.from(open), signal, onProgress);
      return unpackPicture(picture, signal);
    },
    dispose: () => link.dispose(),
  };
}

function packedPicture(
  link: WorkerLink,
  open: Int32Array,
  signal: AbortSignal | undefined,
  onProgress: ((progress: LayoutProgress) => void) | undefined,
): Promise<PackedPicture> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      link.cancel(id);
      reject(signal?.reason);
    };
    const finish = <T>(settle: (value: T) => void) => {
      return (value: T): void => {
        signal?.removeEventListener("abort", abort);
        settle(value);
      };
    };
    const id = link.ask({
      open,
      resolve: finish(resolve),
      reject: finish(reject),
      onProgress: (done, total) => onProgress?.({ done, total }),
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
