import { toNumber, type WireFloat } from "../../protocol";

/** Shown where there is no number at all. */
export const NO_VALUE = "–";

/**
 * A number in at most nine characters: four significant digits, three beside an exponent.
 * NaN and infinities are words, never blanks.
 */
export function formatNumber(value: WireFloat): string {
  const number = toNumber(value);
  if (number === null) return NO_VALUE;
  if (!Number.isFinite(number)) return formatNonFinite(number);
  if (number === 0) return "0";
  return shortText(number).replace(/^-/, "−");
}

function shortText(number: number): string {
  const size = Math.abs(number);
  if (size < 1e5 && Number.isInteger(number)) return String(number);
  // From 9999.5 on four digits would be written with an exponent of two digits.
  if (size >= 1e-3 && size < 9999.5) return number.toPrecision(size < 1e-2 ? 3 : 4);
  return number.toExponential(2).replace("e+", "e");
}

/** Every digit a person may want, for hovers and details. */
export function formatExact(value: WireFloat): string {
  const number = toNumber(value);
  if (number === null) return NO_VALUE;
  if (!Number.isFinite(number)) return formatNonFinite(number);
  const rounded = Number(number.toPrecision(9));
  const small = rounded !== 0 && Math.abs(rounded) < 1e-3;
  return (small ? rounded.toExponential() : String(rounded)).replace(/^-/, "−");
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** For example `1 node`, `3,200 nodes`. */
export function plural(count: number, word: string, words = `${word}s`): string {
  return `${formatCount(count)} ${count === 1 ? word : words}`;
}

/** A length as CSS has it. */
export function px(length: number): string {
  return `${length}px`;
}

/** A large count in at most five characters, for example `18.4k`, for columns. */
export function formatShortCount(count: number): string {
  if (count < 10_000) return formatCount(count);
  const rounded = Number(count.toPrecision(3));
  if (rounded < 1e6) return `${threeDigits(rounded / 1e3)}k`;
  if (rounded < 1e9) return `${threeDigits(rounded / 1e6)}M`;
  return `${threeDigits(rounded / 1e9)}G`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
}

export function formatDuration(value: WireFloat): string {
  const secs = toNumber(value);
  if (secs === null || !Number.isFinite(secs)) return NO_VALUE;
  const rounded = Number(secs.toPrecision(3));
  if (rounded < 1e-3) return `${threeDigits(rounded * 1e6)} µs`;
  if (rounded < 1) return `${threeDigits(rounded * 1e3)} ms`;
  return `${threeDigits(rounded)} s`;
}

/** Without the exponent that `toPrecision` writes from 1000 on. */
const threeDigits = (value: number) => (value < 1000 ? value.toPrecision(3) : value.toFixed(0));

/** PyTorch's way to write a shape: `(16, 32)`, `(7,)`, `()`. */
export function formatShape(shape: readonly number[] | null): string {
  if (shape === null) return NO_VALUE;
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
}

export function formatIndex(index: readonly number[] | null): string {
  return index === null ? NO_VALUE : `[${index.join(", ")}]`;
}

/** A module's name for a person; the root has none of its own. */
export function formatModule(module: string | null): string {
  if (module === null) return "no module";
  return module === "" ? "(root)" : module;
}

/** `step 60`, `steps 61–199 (139 of them)`. */
export function formatStepRange(first: number | null, last: number | null, count: number): string {
  if (first === null) return "whole run";
  if (last === null || last === first) return `step ${first}`;
  const all = last - first + 1;
  return count === all ? `steps ${first}–${last}` : `${plural(count, "step")} in ${first}–${last}`;
}

function formatNonFinite(number: number): string {
  if (Number.isNaN(number)) return "NaN";
  return number > 0 ? "+∞" : "−∞";
}
