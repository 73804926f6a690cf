/** Numbers as they fit on a box. */

/** At most eight characters, mostly six: `0.53`, `1.2e-7`, `340`, `NaN`, `∞`. */
export function short(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 0.0095 && size < 999.5
      ? String(Number(value.toPrecision(size < 99.5 ? 2 : 3)))
      : value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  return text.replace(/^-/, "−");
}

/** A share from 0 to 1 in percent: `12 %`, `0.4 %`, `<0.01 %`. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.01) return "<0.01 %";
  return `${Number(value.toPrecision(value < 9.95 ? 1 : 2))} %`;
}

/** Seconds with a unit: `1.2 ms`. */
export function duration(secs: number): string {
  const rounded = Number(secs.toPrecision(3));
  if (rounded < 1e-3) return `${Number((rounded * 1e6).toPrecision(3))} µs`;
  if (rounded < 1) return `${Number((rounded * 1e3).toPrecision(3))} ms`;
  return `${rounded} s`;
}

/** `1 tensor`, `3,200 tensors`. */
export const plural = (count: number, word: string): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? word : `${word}s`}`;
