import { useEffect, useRef } from "preact/hooks";
import type { Answer, CommandName, CommandParams } from "../../protocol";
import type { Resource } from "../../state";
import { useStore } from "./context";

/** A question must stay on screen this long before it is asked, so that scrubbing asks little. */
const SETTLE_MS = 40;

/** An answer as a view shows it. */
export interface Shown<C extends CommandName> {
  /** The answer, or the one to the previous question while this one is on its way. */
  data: Answer<C> | null;
  /** Whether `data` still answers the previous question. */
  previous: boolean;
  error: string | null;
  /** Nothing to show yet and nothing failed. */
  pending: boolean;
  retry(): void;
}

/**
 * Ask while on screen and keep the answer fresh.
 *
 * @param params Null asks nothing.
 * @param active False while the view is hidden: then nothing is asked or refreshed.
 */
export function useResource<C extends CommandName>(
  command: C,
  params: CommandParams[C] | null,
  active = true,
): Shown<C> {
  const store = useStore();
  const resource = params === null ? null : store.cache.resource(command, params);
  const last = useRef<Answer<C> | null>(null);
  const key = resource?.key ?? "";

  useEffect(() => {
    if (resource === null || !active) return;
    return watchSoon(resource, (target) => store.cache.watch(target));
  }, [key, active]);

  const own = resource?.data.value ?? null;
  if (own !== null) last.current = own;
  const error = resource?.error.value ?? null;
  return {
    data: own ?? (error === null ? last.current : null),
    previous: own === null,
    error,
    pending: own === null && error === null && resource !== null && last.current === null,
    retry: () => {
      if (resource !== null) store.retry(resource);
    },
  };
}

function watchSoon<C extends CommandName>(
  resource: Resource<C>,
  watch: (resource: Resource<C>) => () => void,
): () => void {
  let stop: (() => void) | null = null;
  if (resource.data.peek() !== null) return watch(resource);
  const timer = setTimeout(() => {
    stop = watch(resource);
  }, SETTLE_MS);
  return () => {
    clearTimeout(timer);
    stop?.();
  };
}
