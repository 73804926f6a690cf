import { useMemo } from "preact/hooks";
import { useStore } from "./context";
import { formatNumber } from "./format";
import { histogramFrame, histogramPath, histogramTitle, siteHistograms } from "./histogram";
import { useResource } from "./use_resource";

const WIDTH = 128;
const HEIGHT = 30;

interface HistogramProps {
  step: number;
  /** Null where no site is selected. */
  siteId: string | null;
  active?: boolean;
}

/** How the elements of the selected tensor are spread, where that was kept; else nothing. */
export function HistogramFigure({ step, siteId, active = true }: HistogramProps) {
  const store = useStore();
  const kept = store.run.data.value?.has_histograms === true && siteId !== null;
  const { data } = useResource("histograms", kept ? { step } : null, active);
  const histograms = useMemo(
    () =>
      data === null || siteId === null || data.step !== step ? [] : siteHistograms(data, siteId),
    [data, siteId, step],
  );
  const frame = histogramFrame(histograms);
  if (!kept || frame === null) return null;
  const title = histogramTitle(histograms);
  return (
    <figure class="ov-histogram" data-testid="histogram" data-site={siteId} title={title}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} role="img">
        <title>{title}</title>
        {histograms.map((each) => (
          <path
            key={each.side}
            class={`ov-histogram-${each.side}`}
            d={histogramPath(each, frame, WIDTH, HEIGHT)}
          />
        ))}
      </svg>
      <figcaption>
        <span>{formatNumber(frame.low)}</span>
        <span>{formatNumber(frame.high)}</span>
      </figcaption>
    </figure>
  );
}
