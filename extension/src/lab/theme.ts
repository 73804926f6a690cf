import type { IThemeManager } from "@jupyterlab/apputils";

/** Light or dark, as JupyterLab's theme says; light where there are no themes. */
export function themeOf(themes: IThemeManager | null): "light" | "dark" {
  const name = themes?.theme ?? null;
  return name === null || themes === null || themes.isLight(name) ? "light" : "dark";
}
