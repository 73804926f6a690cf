import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GoldenTransport, goldenReply } from "../../../test/golden";
import { mount } from "../mount";

vi.mock("plotly.js-cartesian-dist-min", () => ({
  default: { react: () => new Promise(() => {}), relayout: vi.fn(), purge: vi.fn() },
}));

/** The golden run as rank 0 of two processes; everything of rank 1 has a name of its own. */
function twoProcesses(ranks: number[], status = "ended"): GoldenTransport {
  const transport = new GoldenTransport();
  for (const [key, reply] of [...transport.answers]) {
    const [command, params] = key.split("?", 2) as [string, string];
    const asked = { ...JSON.parse(params), rank: 1 };
    const sorted = Object.fromEntries(Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1)));
    transport.answers.set(`${command}?${JSON.stringify(sorted)}`, reply);
  }
  const run = goldenReply("run");
  const changed = (change: object) => ({
    ...run,
    payload: { ...(run.payload as object), ...change },
  });
  transport.answers.set("run?{}", changed({ rank: 0, world_size: 2, ranks }));
  transport.answers.set(
    'run?{"rank":1}',
    changed({ rank: 1, world_size: 2, ranks, name: "other" }),
  );
  const summary = goldenReply("summary");
  const payload = { ...(summary.payload as object), status };
  transport.answers.set("summary?{}", { ...summary, payload });
  return transport;
}

let element: HTMLElement;
let unmount: () => void;

const find = <E extends HTMLElement = HTMLElement>(testid: string) =>
  element.querySelector<E>(`[data-testid="${testid}"]`);

const seen = <E extends HTMLElement = HTMLElement>(testid: string) =>
  vi.waitFor(() => {
    const found = find<E>(testid);
    if (found === null) throw new Error(`There is no ${testid}`);
    return found;
  });

function open(transport: GoldenTransport): void {
  unmount = mount(element, transport, { height: 600, theme: "light" });
}

function choose(rank: number): void {
  const select = find<HTMLSelectElement>("rank");
  if (select === null) throw new Error("There is no choice of rank.");
  select.value = String(rank);
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

beforeEach(() => {
  element = document.createElement("div");
  document.body.append(element);
});
afterEach(() => {
  unmount();
  element.remove();
});

describe("the choice of a process", () => {
  it("is not there when only one process trained", async () => {
    open(new GoldenTransport());
    await seen("finding-counts");
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("sunspots"));
    expect(find("rank")).toBeNull();
  });

  it("asks for the chosen rank and keeps step, module and view", async () => {
    const transport = twoProcesses([0, 1]);
    open(transport);
    const select = await seen<HTMLSelectElement>("rank");
    expect([...select.options].map((option) => option.value)).toEqual(["0", "1"]);
    expect(select.value).toBe("0");
    find("previous-step")?.click();
    find("tab-gradients")?.click();
    await vi.waitFor(() => expect(transport.asked).toContain('gradients?{"step":4}'));
    choose(1);
    await vi.waitFor(() => expect(transport.asked).toContain('gradients?{"rank":1,"step":4}'));
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("other"));
    expect(find("current-step")?.textContent).toContain("step 4");
    expect(find<HTMLSelectElement>("rank")?.value).toBe("1");
    choose(0);
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("sunspots"));
    expect(find("current-step")?.textContent).toContain("step 4");
  });

  it("offers only what is there once the run has ended, and all while it is live", async () => {
    open(twoProcesses([0]));
    await seen("finding-counts");
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("sunspots"));
    expect(find("rank")).toBeNull();
    unmount();
    open(twoProcesses([0], "live"));
    expect((await seen<HTMLSelectElement>("rank")).options).toHaveLength(2);
  });

  it("says what is wrong with a rank that cannot be read, and lets one go back", async () => {
    const transport = twoProcesses([0, 1]);
    for (const key of [...transport.answers.keys()]) {
      if (key.includes('"rank":1')) transport.answers.delete(key);
    }
    open(transport);
    await seen("rank");
    choose(1);
    await vi.waitFor(() => expect(element.textContent).toContain('Nothing answers run?{"rank":1}'));
    choose(0);
    await vi.waitFor(() => expect(find("strip")?.textContent).toContain("sunspots"));
  });
});
