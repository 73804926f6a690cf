// @vitest-environment happy-dom
import { h, render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { useUserScroll } from "./user_scroll";

const ROW = 20;
const HEADER = 10;
const placed: { current: number | null } = { current: null };
let heard: number[] = [];

/** A list of 100 rows in 400 px; the page of the tests has no layout of its own. */
function list(): HTMLElement {
  const element = document.createElement("div");
  let height = HEADER + 100 * ROW;
  Object.defineProperty(element, "clientHeight", { value: 400 });
  Object.defineProperty(element, "scrollHeight", {
    get: () => height,
    set: (to: number) => {
      height = to;
    },
  });
  const ref = { current: element };
  const Probe = () => {
    useUserScroll(ref, placed, 100, ROW, HEADER, (row) => heard.push(row));
    return null;
  };
  act(() => render(h(Probe, null), document.body));
  return element;
}

function scrollTo(element: HTMLElement, top: number): void {
  element.scrollTop = top;
  element.dispatchEvent(new Event("scroll"));
}

describe("scrolling by hand", () => {
  afterEach(() => {
    render(null, document.body);
    heard = [];
    placed.current = null;
  });

  it("tells the first row at the top, the last at the bottom, and parts of rows between", () => {
    const element = list();
    for (const top of [1610, 805, 0]) scrollTo(element, top);
    expect(heard).toEqual([99, 49.5, 0]);
  });

  it("is told from what the page did itself", () => {
    const element = list();
    placed.current = 300;
    scrollTo(element, 300);
    expect(heard).toEqual([]);
    scrollTo(element, 322);
    expect(heard).toHaveLength(1);
  });

  it("is told from a list that has become shorter", () => {
    const element = list();
    (element as { scrollHeight: number }).scrollHeight = 500;
    scrollTo(element, 100);
    expect(heard).toEqual([]);
  });
});
