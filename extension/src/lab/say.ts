import { errorText } from "../protocol";

/** Show a sentence in place of what an element should have held. */
export function say(element: HTMLElement, sentence: string): void {
  const paragraph = document.createElement("p");
  paragraph.className = "ortviz-Message";
  paragraph.textContent = sentence;
  element.replaceChildren(paragraph);
}

/** Why a tab is empty: its code did not come, or broke. */
export function notShown(what: string, error: unknown): string {
  return `The ${what} could not be shown; close this tab, open it again. ${errorText(error)}`;
}
