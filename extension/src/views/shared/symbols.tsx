import type { OriginName, SeverityName, SideName, VerdictName } from "../../protocol";
import { originWord } from "./errors";

export const SIDE_LABELS: Record<SideName, string> = {
  reference: "eager",
  candidate: "ORT",
};

/** Each verdict as a sign and a word, so that colour is never the only difference. */
export const VERDICTS: Record<VerdictName, { sign: string; word: string }> = {
  equal: { sign: "=", word: "equal" },
  rounding: { sign: "≈", word: "rounding" },
  divergent: { sign: "≠", word: "divergent" },
  not_comparable: { sign: "∅", word: "not comparable" },
};

export const SEVERITIES: readonly SeverityName[] = ["error", "warning", "info"];

/** Outline of each severity in a 10 × 10 box: diamond, triangle, disc. */
export const SEVERITY_PATHS: Record<SeverityName, string> = {
  error: "M5 0 10 5 5 10 0 5Z",
  warning: "M5 .6 9.8 9.4H.2Z",
  info: "M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8Z",
};

export function SeverityIcon({ severity, size = 10 }: { severity: SeverityName; size?: number }) {
  return (
    <svg
      class={`ov-severity ov-severity-${severity}`}
      width={size}
      height={size}
      viewBox="-1 -1 12 12"
      role="img"
      aria-label={severity}
    >
      <path d={SEVERITY_PATHS[severity]} />
    </svg>
  );
}

/** Eager is a square, ORT a disc, wherever the two are told apart. */
export function SideMark({ side }: { side: SideName }) {
  return (
    <svg class={`ov-fill-${side}`} width="9" height="9" viewBox="0 0 10 10" aria-hidden="true">
      {side === "reference" ? (
        <rect x="1" y="1" width="8" height="8" />
      ) : (
        <circle cx="5" cy="5" r="4.5" />
      )}
    </svg>
  );
}

export function SideKey({ side }: { side: SideName }) {
  return (
    <span class="ov-side-key">
      <SideMark side={side} />
      {SIDE_LABELS[side]}
    </span>
  );
}

/** The verdict; where it is known whether the difference is born here or came in, that. */
export function VerdictBadge(props: { verdict: VerdictName; origin?: OriginName }) {
  const { verdict, origin = "unknown" } = props;
  const { word } = VERDICTS[verdict];
  return (
    <span class={`ov-verdict ov-verdict-${verdict}`}>
      <VerdictSign verdict={verdict} origin={origin} /> {originWord(verdict, origin) || word}
    </span>
  );
}

/** The sign alone: filled where a difference is born. */
export function VerdictSign({ verdict, origin }: { verdict: VerdictName; origin: OriginName }) {
  const { sign, word } = VERDICTS[verdict];
  const from = originWord(verdict, origin);
  return (
    <b
      class={`ov-sign ov-verdict-${verdict}${from === "" ? "" : ` ov-origin-${origin}`}`}
      title={from === "" ? word : `${word}, ${from}`}
    >
      {sign}
    </b>
  );
}
