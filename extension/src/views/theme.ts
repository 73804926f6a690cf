import { type ReadonlySignal, signal } from "@preact/signals";
import type { Theme } from "./shared/context";

/** Attributes by which notebooks say which theme they wear. */
const WATCHED = ["data-jp-theme-light", "data-vscode-theme-kind", "class", "theme"];

/** The theme of the page around the debugger, and how to stop watching it. */
export function watchTheme(fixed?: Theme): { theme: ReadonlySignal<Theme>; stop: () => void } {
  if (fixed !== undefined) return { theme: signal(fixed), stop: () => {} };
  const theme = signal(pageTheme(document));
  const update = () => {
    theme.value = pageTheme(document);
  };
  const observer = new MutationObserver(update);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: WATCHED });
  }
  const system = systemDark();
  system?.addEventListener("change", update);
  return {
    theme,
    stop: () => {
      observer.disconnect();
      system?.removeEventListener("change", update);
    },
  };
}

/** What JupyterLab, VS Code or Colab says; else what the system prefers. */
export function pageTheme(page: Document): Theme {
  const { body, documentElement } = page;
  const lab = body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  const code = body.dataset.vscodeThemeKind;
  if (code !== undefined) return code.includes("dark") ? "dark" : "light";
  const colab = documentElement.getAttribute("theme");
  if (colab === "dark" || colab === "light") return colab;
  return systemDark()?.matches ? "dark" : "light";
}

function systemDark(): MediaQueryList | null {
  return typeof matchMedia === "function" ? matchMedia("(prefers-color-scheme: dark)") : null;
}
