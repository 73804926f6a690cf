import { useEffect, useRef } from "preact/hooks";
import type { Answer, MaskedLossName } from "../../protocol";
import { formatCount, formatExact, formatIndex, formatNumber } from "../shared/format";
import { Failure, Loading } from "../shared/messages";
import { useResource } from "../shared/use_resource";
import { KIND_WORDS } from "./kinds";
import { lossLabel } from "./series";

/** The masked elements of one step: what was divided, and the gradient that came of it. */
export function MaskPanel(props: { loss: MaskedLossName; step: number; onClose(): void }) {
  const { loss, step } = props;
  const { data, previous, error, retry } = useResource("masked_elements", { loss, step });
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => close.current?.focus(), []);
  return (
    <aside
      class="ov-mask-panel"
      aria-label="Masked elements"
      data-testid="mask-panel"
      data-step={step}
      onKeyDown={(event) => event.key === "Escape" && props.onClose()}
    >
      <header>
        <div>
          <strong>
            {lossLabel(loss, "")} masked at step {formatCount(step)}
          </strong>
          <p class="ov-muted">{data && !previous ? countText(data) : " "}</p>
        </div>
        <button
          ref={close}
          type="button"
          class="ov-icon-button"
          aria-label="Close"
          onClick={props.onClose}
        >
          <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true">
            <path d="M1 1l8 8M9 1 1 9" class="ov-stroke" />
          </svg>
        </button>
      </header>
      {error && <Failure message={error} onRetry={retry} />}
      {!data && !error && <Loading what="the masked elements" />}
      {data && !previous && <Elements data={data} />}
    </aside>
  );
}

function countText(data: Answer<"masked_elements">): string {
  const shown =
    data.rows.length < data.masked_count ? `, the first ${formatCount(data.rows.length)} here` : "";
  return `${formatCount(data.masked_count)} of ${formatCount(data.element_count)} elements${shown}`;
}

function Elements({ data }: { data: Answer<"masked_elements"> }) {
  if (data.rows.length === 0) {
    return <p class="ov-message-body">No element of this step was masked.</p>;
  }
  return (
    <div class="ov-mask-rows">
      <table>
        <thead>
          <tr>
            <th scope="col">position</th>
            <th scope="col">was</th>
            <th scope="col" class="ov-num">
              input
            </th>
            <th scope="col" class="ov-num">
              target
            </th>
            <th scope="col" class="ov-num">
              gradient
            </th>
          </tr>
        </thead>
        <tbody>
          {data.rows.map((row) => (
            <tr key={row.position.join()} data-testid="masked-element">
              <td>{formatIndex(row.position)}</td>
              <td title={`ratio ${formatExact(row.ratio)}`}>{KIND_WORDS[row.kind]}</td>
              <td class="ov-num" title={formatExact(row.input)}>
                {formatNumber(row.input)}
              </td>
              <td class="ov-num" title={formatExact(row.target)}>
                {formatNumber(row.target)}
              </td>
              <td class={`ov-num${row.gradient === "NaN" ? " ov-look" : ""}`}>
                {row.gradient_known ? formatNumber(row.gradient) : "not seen"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
