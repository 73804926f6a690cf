import { type OriginName, type TraceRow, toNumber, type VerdictName } from "../../protocol";
import { formatCount, formatNumber, formatShortCount } from "./format";

/** What a comparison measured at one site. */
export type SiteErrors = Pick<
  TraceRow,
  | "max_abs_error"
  | "max_rel_error"
  | "max_ulp_error"
  | "cosine"
  | "mismatched_fraction"
  | "tolerance"
  | "tolerance_reason"
  | "noise_floor"
  | "origin"
  | "local_abs_error"
  | "local_rel_error"
>;

/** One of them, for a line of details or a hover. */
export interface ErrorPart {
  /** What stands before the number; empty where the number says it itself. */
  label: string;
  text: string;
  title: string;
}

/** Where the difference comes from; empty where that is not known or there is none to speak of. */
export function originWord(verdict: VerdictName, origin: OriginName): string {
  if (origin === "here") return "born here";
  return origin === "inherited" && verdict === "divergent" ? "came in" : "";
}

/** For example `12× the noise floor`; empty where there is no floor or no error. */
export function floorsText(row: SiteErrors): string {
  const floor = toNumber(row.noise_floor);
  const error = toNumber(row.max_abs_error);
  if (floor === null || error === null || !Number.isFinite(error) || error === 0) return "";
  if (error <= floor) return "within the noise floor";
  return floor === 0 ? "" : `${shortRatio(error / floor)}× the noise floor`;
}

/** `1 − 2.3e-7` close to 1, where the distance is what tells. */
export function cosineText(row: SiteErrors): string {
  const cosine = toNumber(row.cosine);
  if (cosine === null) return "";
  if (cosine > 0.999 && cosine < 1) return `1 − ${(1 - cosine).toExponential(1)}`;
  return formatNumber(Number(cosine.toPrecision(4)));
}

/** `0.3 %`, `12 %`; never 0 where an element is off. */
export function shareText(share: number): string {
  const percent = 100 * share;
  if (percent === 0) return "none";
  if (percent < 0.01) return "< 0.01 %";
  return `${percent < 10 ? Number(percent.toPrecision(2)) : Math.round(percent)} %`;
}

/** Everything that was measured, what matters most first; nothing for what was not. */
export function errorParts(row: SiteErrors): ErrorPart[] {
  const parts: ErrorPart[] = [];
  const add = (label: string, text: string, title: string) => {
    if (text !== "") parts.push({ label, text, title });
  };
  add("abs", numberText(row.max_abs_error), "Largest |ORT − eager|, in the tensor's own unit");
  add("rel", numberText(row.max_rel_error), "The same divided by the largest |eager|");
  add("allowed", numberText(row.tolerance), allowedTitle(row));
  add("", floorsText(row), floorTitle(row));
  add("own error", ownText(row), OWN_MEANS);
  const share = toNumber(row.mismatched_fraction);
  if (share !== null && share > 0) {
    add("off", shareText(share), "Share of the elements that are off by more than is allowed");
  }
  add("ulp", ulpText(row), ULP_MEANS);
  add("cosine", cosineText(row), "Of the angle between the two tensors; 1 is the same direction");
  return parts;
}

/** All of it in lines, for a hover. */
export function errorLines(row: SiteErrors): string {
  return errorParts(row)
    .map(({ label, text }) => `${label} ${text}`.trim())
    .join("\n");
}

const OWN_MEANS =
  "Relative error when eager PyTorch's module is given ORT's own input: what is made here, without " +
  "what came in";
const ULP_MEANS =
  "Most numbers of the tensor's dtype that lie between the two sides at any element. Close to 0 " +
  "numbers lie close together, so a large count beside a small relative error is no harm.";

function numberText(value: TraceRow["max_abs_error"]): string {
  return toNumber(value) === null ? "" : formatNumber(value);
}

function ulpText(row: SiteErrors): string {
  const count = toNumber(row.max_ulp_error);
  if (count === null || !Number.isFinite(count)) return "";
  if (count >= 1e12) return formatNumber(count);
  return count < 100_000 ? formatCount(count) : formatShortCount(count);
}

function ownText(row: SiteErrors): string {
  const word = row.origin === "here" ? "born here" : row.origin === "inherited" ? "came in" : "";
  const own = numberText(row.local_rel_error);
  if (own === "") return "";
  return word === "" ? own : `${own} ${word}`;
}

function allowedTitle(row: SiteErrors): string {
  const why = row.tolerance_reason === "" ? "" : ` by ${row.tolerance_reason}`;
  return `Largest relative error that counts as rounding${why}`;
}

function floorTitle(row: SiteErrors): string {
  return (
    `Noise floor ${numberText(row.noise_floor)}: the largest honest error seen here, between two ` +
    "runs of ORT and between eager PyTorch in its dtype and in float64"
  );
}

function shortRatio(ratio: number): string {
  if (ratio < 10) return String(Number(ratio.toPrecision(2)));
  return ratio < 100_000 ? formatCount(Math.round(ratio)) : formatNumber(ratio);
}
