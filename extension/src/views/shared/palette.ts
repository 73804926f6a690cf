/** The debugger's colours as plotly and Netron can read them. */
export interface Palette {
  reference: string;
  candidate: string;
  referenceBand: string;
  candidateBand: string;
  look: string;
  ink: string;
  muted: string;
  grid: string;
  surface: string;
  font: string;
  /** For NaN, +inf, −inf, which are 1, 2, 3. */
  kindScale: [number, string][];
}

/** The colours the style sheet gives an element, whatever notation it uses. */
export function readPalette(element: HTMLElement): Palette {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    reference: color("--ov-reference"),
    candidate: color("--ov-candidate"),
    referenceBand: color("--ov-reference-band"),
    candidateBand: color("--ov-candidate-band"),
    look: color("--ov-look"),
    ink: color("--ov-ink"),
    muted: color("--ov-muted"),
    grid: color("--ov-line"),
    surface: color("--ov-surface"),
    font: getComputedStyle(element).fontFamily,
    kindScale: [
      [0, color("--ov-look")],
      [0.5, color("--ov-look-2")],
      [1, color("--ov-look-3")],
    ],
  };
  probe.remove();
  return palette;
}
