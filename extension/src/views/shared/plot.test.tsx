import { render } from "preact";
import { afterEach, expect, it, vi } from "vitest";
import { GoldenTransport } from "../../../test/golden";
import { mount } from "../mount";

vi.mock("plotly.js-cartesian-dist-min", () => {
  throw new Error("The chunk is gone.");
});

let element: HTMLElement;
afterEach(() => {
  render(null, element);
  element.remove();
});

it("says so when plotly.js cannot be loaded", async () => {
  element = document.body.appendChild(document.createElement("div"));
  const unmount = mount(element, new GoldenTransport());
  await vi.waitFor(
    () => expect(element.querySelector(".ov-plot-wait")?.textContent).toMatch(/did not load/),
    10_000,
  );
  unmount();
});
