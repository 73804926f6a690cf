/** The values a ratio can have that are masked; the same look wherever they are counted. */
export const KINDS = [
  { kind: "nan", label: "NaN", code: 1, pattern: "" },
  { kind: "posinf", label: "+∞", code: 2, pattern: "/" },
  { kind: "neginf", label: "−∞", code: 3, pattern: "\\" },
] as const;

/** The wire's words for them. */
export const KIND_WORDS = { nan: "NaN", inf: "+∞", "-inf": "−∞" } as const;
