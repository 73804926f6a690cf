import { afterEach, beforeEach, vi } from "vitest";
import type { Transport } from "../src/protocol";
import { mount } from "../src/views/mount";

/** Where the debugger is mounted in the test that runs. */
export let element: HTMLElement;
/** Takes the debugger off the page. */
export let unmount: () => void;

export function open(transport: Transport): void {
  unmount = mount(element, transport, { height: 600, theme: "light" });
}

export const find = <E extends HTMLElement = HTMLElement>(testid: string, more = "") =>
  element.querySelector<E>(`[data-testid="${testid}"]${more}`);

/** Wait for an element; what is not there in a second never comes. */
export const seen = <E extends HTMLElement = HTMLElement>(testid: string, more = "") =>
  vi.waitFor(() => {
    const found = find<E>(testid, more);
    if (found === null) throw new Error(`There is no ${testid}${more} in ${element.textContent}`);
    return found;
  });

/** Give every test of a file an empty page; each of them has to {@link open} a debugger. */
export function usePage(): void {
  beforeEach(() => {
    element = document.createElement("div");
    document.body.append(element);
    // Nothing is laid out here; without a height no row would be on screen.
    vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(2_000);
  });
  afterEach(() => {
    unmount();
    element.remove();
  });
}
