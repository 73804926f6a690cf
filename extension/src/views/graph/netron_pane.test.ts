import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { GoldenTransport, golden } from "../../../test/golden";
import type { NetronSource } from "../../protocol";
import { mount } from "../mount";

vi.mock("plotly.js-cartesian-dist-min", () => ({
  default: { react: () => new Promise(() => {}), relayout: vi.fn(), purge: vi.fn() },
}));

const asked: string[] = [];
const source: NetronSource = {
  kind: "server",
  url: (mode, stage) => {
    asked.push(`${mode}/${stage}`);
    return "about:blank#";
  },
};
let element: HTMLElement;
let unmount: () => void;
let sent: Record<string, unknown>[];

const find = <E extends HTMLElement = HTMLElement>(testid: string, more = "") => {
  const found = element.querySelector<E>(`[data-testid="${testid}"]${more}`);
  if (found === null) throw new Error(`There is no ${testid}${more}.`);
  return found;
};
const seen = (testid: string, more = "") => vi.waitFor(() => find(testid, more));

async function openNetron(): Promise<void> {
  find("tab-graph").click();
  (await seen("graph-shape-netron")).querySelector("input")?.click();
}

/** A page in the frame that only listens, and can be made to speak. */
async function listenIn(): Promise<(event: string, detail?: object) => void> {
  await vi.waitFor(() => expect(asked).toHaveLength(1));
  const frame = find<HTMLIFrameElement>("netron-frame");
  const page = { postMessage: (message: Record<string, unknown>) => sent.push(message) };
  Object.defineProperty(frame, "contentWindow", { value: page, configurable: true });
  return (event, detail = {}) => {
    const data = { ortviz: "netron", event, ...detail };
    const message = Object.assign(new MessageEvent("message", { data }), { source: page });
    window.dispatchEvent(message);
  };
}

beforeAll(() => {
  const { happyDOM } = window as unknown as { happyDOM: { settings: Record<string, unknown> } };
  // Blank pages only: the test itself plays the page in the frame.
  happyDOM.settings.enableIframePageLoading = true;
});

beforeEach(() => {
  asked.length = 0;
  sent = [];
  element = document.createElement("div");
  document.body.append(element);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(2_000);
  const transport = Object.assign(new GoldenTransport(), { netron: source });
  unmount = mount(element, transport as unknown as GoldenTransport, { theme: "light" });
});
afterEach(() => {
  unmount();
  element.remove();
});

describe("Netron in the Graph view", () => {
  it("is not loaded before the view is opened", async () => {
    await seen("loss-readout");
    expect(asked).toEqual([]);
    await openNetron();
    await seen("netron-frame");
    await vi.waitFor(() => expect(asked).toEqual(["training/execution_model"]));
    expect(find("netron").dataset.phase).toBe("loading");
  });

  it("marks the nodes of the selected module, its children's included", async () => {
    await openNetron();
    const say = await listenIn();
    say("ready");
    say("opened", { name: "x.onnx", nodes: 3 });
    await vi.waitFor(() => expect(find("netron").dataset.phase).toBe("shown"));
    (await seen("module-item", '[data-module="norm"]')).click();
    const { nodes } = golden("graph_nodes");
    const own = nodes.filter((node) => node.module === "norm").flatMap((node) => node.outputs);
    await vi.waitFor(() => {
      const marks = sent.filter((message) => message.command === "mark").at(-1);
      expect(marks?.groups).toMatchObject([{ values: own }]);
    });
    expect(sent.filter((message) => message.command === "select").at(-1)?.value).toBe(own[0]);
  });

  it("selects the module of a node clicked there, and does not scroll back to it", async () => {
    await openNetron();
    const say = await listenIn();
    say("ready");
    say("opened", { name: "x.onnx", nodes: 3 });
    await seen("module-item", '[data-module="norm"]');
    const node = golden("graph_nodes").nodes.find(({ module }) => module === "norm");
    const value = node?.outputs[0];
    await vi.waitFor(() => {
      // Until the nodes have come, nobody knows the module of what was clicked.
      say("picked", { name: node?.name, type: node?.op_type, values: node?.outputs });
      expect(find("module-item", '[data-module="norm"]').getAttribute("aria-selected")).toBe(
        "true",
      );
      expect(find("node-details").dataset.node).toBe(String(node?.index));
    });
    expect(sent.some((message) => message.command === "select" && message.value === value)).toBe(
      false,
    );
  });

  it("says in words that it failed, and tries again when told to", async () => {
    await openNetron();
    const say = await listenIn();
    say("failed", { name: "x.onnx", message: "Invalid model." });
    expect((await seen("failure")).textContent).toContain("Invalid model.");
    find("failure").querySelector("button")?.click();
    await vi.waitFor(() => expect(asked).toHaveLength(2));
  });

  it("gives way to a list", async () => {
    await openNetron();
    await seen("netron-frame");
    find("graph-shape-list").querySelector("input")?.click();
    await seen("node-row");
    expect(element.querySelector("iframe")).toBeNull();
  });
});
