import { useStore } from "./context";
import { plural } from "./format";
import { Empty } from "./messages";

/** Shown by the views that need a sampled step while there is none. */
export function NothingSampled({ what }: { what: string }) {
  const store = useStore();
  const every = store.run.data.value?.every;
  return (
    <Empty title="No step has been sampled yet.">
      <p>
        {what} appear here after the first sampled step
        {every !== undefined && ` (one in ${plural(every, "step")})`}. Train with the wrapped model,
        or use “sample next” above while it trains.
      </p>
    </Empty>
  );
}
