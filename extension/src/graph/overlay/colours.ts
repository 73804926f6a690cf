/** What overlays are painted with. Chosen for colour-blind eyes; `colours.test.ts` measures it. */

export type Theme = "light" | "dark";

/** The debugger's own colours, which mean eager, ORT and "look here" in overlays too. */
export interface SignalColours {
  reference: string;
  candidate: string;
  look: string;
}

export interface OverlayColours extends SignalColours {
  theme: Theme;
}

/** Those of `tokens.css`. */
export const COLOURS: Record<Theme, OverlayColours> = {
  light: { theme: "light", reference: "#1769c2", candidate: "#d1660a", look: "#b3125c" },
  dark: { theme: "dark", reference: "#6fb1f5", candidate: "#f59a3c", look: "#ff6fa8" },
};

export type Hue =
  | "violet"
  | "green"
  | "teal"
  | "olive"
  | "yellow"
  | "rose"
  | "blue"
  | "orange"
  | "mint"
  | "grey";

/** Ten that stay apart for protan, deutan and tritan eyes, and from the debugger's own. */
export const HUES: Record<Theme, Record<Hue, string>> = {
  light: {
    violet: "#c0a1fa",
    green: "#96d6a4",
    teal: "#74b9be",
    olive: "#9f960e",
    yellow: "#f1cb52",
    rose: "#d9668e",
    blue: "#7894cd",
    orange: "#eba25d",
    mint: "#9efea9",
    grey: "#d9dde1",
  },
  dark: {
    violet: "#896dd1",
    green: "#1fbe96",
    teal: "#039192",
    olive: "#8fa628",
    yellow: "#b06b51",
    rose: "#73130d",
    blue: "#075ea7",
    orange: "#874c11",
    mint: "#5d1a72",
    grey: "#4a5057",
  },
};

/** What is as it should be: calm, the second a little more so. */
export const CALM: Record<Theme, readonly [string, string]> = {
  light: ["#e2ede4", "#a9cdb2"],
  dark: ["#26332a", "#3f6b4b"],
};

/** What an overlay says nothing of: the ground, a little raised. */
export const BLANK: Record<Theme, string> = { light: "#f3f4f6", dark: "#202428" };

/** Ten stops of cividis (Nuñez, Anderton and Renslow 2018), even for colour-blind eyes. */
const CIVIDIS = [
  "#00204d",
  "#00336f",
  "#39486b",
  "#575c6d",
  "#707173",
  "#8a8779",
  "#a69d75",
  "#c4b56c",
  "#e4cf5b",
  "#ffea46",
] as const;

/** Steps of a scale; more cannot be told apart. */
const SHADES = 64;

const channels = (color = "#000000"): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

function between(stops: readonly string[], share: number): string {
  const at = share * (stops.length - 1);
  const index = Math.min(Math.floor(at), stops.length - 2);
  const [from, to] = [channels(stops[index]), channels(stops[index + 1])];
  const part = (i: number) => {
    const start = from[i] ?? 0;
    return Math.round(start + ((to[i] ?? 0) - start) * (at - index));
  };
  return `#${[part(0), part(1), part(2)].map((n) => n.toString(16).padStart(2, "0")).join("")}`;
}

function shades(theme: Theme): string[] {
  return Array.from({ length: SHADES }, (_, index) => {
    const share = index / (SHADES - 1);
    return between(CIVIDIS, theme === "light" ? 1 - share : share);
  });
}

const SCALES: Record<Theme, string[]> = { light: shades("light"), dark: shades("dark") };

/** The colour of a share from 0 to 1: on a light ground more is darker, on a dark one lighter. */
export function sequential(theme: Theme, share: number): string {
  const index = Math.round(Math.min(Math.max(share, 0), 1) * (SHADES - 1));
  return SCALES[theme][Number.isNaN(index) ? 0 : index] as string;
}
