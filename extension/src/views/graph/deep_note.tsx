import { useStore } from "../shared/context";
import { useDeepStepNear } from "./deep_record";

const DEEP =
  "Some sampled steps are looked into deeply: run by ONNX Runtime a second time, by PyTorch in " +
  "float64, and module by module on ONNX Runtime's own inputs.";
const NEXT = " The run's verify_next() has the next step looked into.";

/**
 * Said where a step does not tell where its differences are born, with a way to one that does.
 *
 * Test ids: `no-deep-record`, `go-to-deep-step`.
 */
export function DeepNote({ step }: { step: number }) {
  const { selection, live } = useStore();
  const near = useDeepStepNear(step);
  return (
    <p class="ov-legend-note" role="status" title={DEEP} data-testid="no-deep-record">
      Step {step} has no deep record of where differences are born.{" "}
      {near === null && `Nor have steps around it.${live.value ? NEXT : ""}`}
      {near != null && (
        <button
          type="button"
          class="ov-link"
          onClick={() => selection.pickStep(near)}
          data-testid="go-to-deep-step"
        >
          Go to step {near}
        </button>
      )}
    </p>
  );
}
