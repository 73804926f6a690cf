import { useStore } from "../shared/context";
import { useDeepStepNear } from "./deep_record";

/**
 * Said where a step does not tell where its differences are born, with a way to one that does.
 *
 * Test ids: `no-deep-record`, `go-to-deep-step`.
 */
export function DeepNote({ step }: { step: number }) {
  const { selection, live } = useStore();
  const near = useDeepStepNear(step);
  return (
    <p class="ov-legend-note" role="status" data-testid="no-deep-record">
      Step {step} was not looked into deeply: where its differences are born is not recorded.{" "}
      {near === null &&
        (live.value
          ? "Nor were the steps around it; the run's verify_next() has the next one looked into."
          : "Nor were the steps around it.")}
      {near != null && (
        <button
          type="button"
          class="ov-link"
          onClick={() => selection.pickStep(near)}
          data-testid="go-to-deep-step"
        >
          Go to step {near}, which was
        </button>
      )}
    </p>
  );
}
