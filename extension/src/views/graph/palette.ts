import type { ScenePalette } from "../../graph/types";

/** The scene's colours, as the style sheet gives them to an element. */
export function scenePalette(element: HTMLElement): ScenePalette {
  const probe = document.createElement("span");
  element.append(probe);
  const color = (name: string) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const palette = {
    surface: color("--ov-surface"),
    ink: color("--ov-ink"),
    muted: color("--ov-muted"),
    line: color("--ov-line"),
    forward: color("--ov-reference"),
    backward: color("--ov-candidate"),
    groupFill: color("--ov-raised"),
    // Overlays own the colours: what is chosen must not look like what is wrong.
    select: color("--ov-ink"),
    hover: color("--ov-muted"),
    font: getComputedStyle(element).fontFamily,
  };
  probe.remove();
  return palette;
}
