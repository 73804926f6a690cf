// Runs in Netron's page before Netron. Keeps it from asking for consent, lets the page that
// embeds it choose the theme, and speaks with that page by messages, so that the same works for
// Netron from our server, in a report opened from disk, and in a widget without a server.
//
// Messages to this page:   { ortviz: "netron", command, ... }
//   open    { name, bytes }            bytes: ArrayBuffer of a model; the last one asked for wins
//   mark    { groups: [{ values, color, ink, around }] }   colour the nodes that make these tensors;
//                                      ink: of their text; around: only a line around them
//   select  { value }                  select and scroll to the node that makes this tensor
//   theme   { theme }                  "light" or "dark"
// Messages from it:        { ortviz: "netron", event, ... }
//   ready   {}                         it can be told to open something
//   opened  { name, nodes }            shown; nodes: how many
//   failed  { name, message }
//   marked  { nodes }                  how many nodes got a colour
//   picked  { name, type, values }     a person clicked a node; values: the tensors it makes
(() => {
  "use strict";
  const parent = window.parent;
  let view = null;
  let ready = false;
  let opening = false;
  let waiting = null;

  // Netron would ask a geo-location service whether it must ask for consent.
  Object.defineProperty(document, "cookie", { get: () => "consent=1", set: () => {} });

  const say = (event, detail = {}) => {
    if (parent !== window) parent.postMessage({ ortviz: "netron", event, ...detail }, "*");
  };

  // Netron follows the operating system; here the embedding page decides.
  let theme = new URLSearchParams(window.location.search).get("theme") ?? window.ortvizTheme;
  const darkRules = new Set();
  const applyTheme = () => {
    if (theme !== "dark" && theme !== "light") return;
    document.documentElement.style.colorScheme = theme;
    for (const sheet of document.styleSheets) {
      for (const rule of sheet.cssRules) {
        if (rule.media && rule.media.mediaText.includes("prefers-color-scheme: dark")) {
          darkRules.add(rule);
        }
      }
    }
    for (const rule of darkRules) rule.media.mediaText = theme === "dark" ? "all" : "not all";
  };
  document.addEventListener("DOMContentLoaded", () => {
    const style = document.createElement("style");
    style.textContent =
      ".ortviz-mark > .border, .ortviz-mark > path.node-border { stroke: var(--ortviz-mark); stroke-width: 3px; }" +
      ".ortviz-mark .node-item-type > path { fill: var(--ortviz-mark); }" +
      // Unless told: white on a light page's dark marks, and the other way round.
      ".ortviz-mark .node-item-type > text { fill: var(--ortviz-ink, Canvas); }" +
      ".ortviz-around > .border, .ortviz-around > path.node-border { stroke: var(--ortviz-around); stroke-width: 4px; }";
    document.head.append(style);
    applyTheme();
  });
  window.addEventListener("load", applyTheme);

  // Nodes of the graph on show by the tensors they make; names of nodes may repeat, these not.
  const nodesByValue = () => {
    const found = new Map();
    const target = view && (view.target || view._graph);
    if (!target) return found;
    for (const { label } of target.nodes.values()) {
      const node = label && label.value;
      for (const output of (node && node.outputs) || []) {
        for (const value of output.value || []) {
          if (value && value.name) found.set(value.name.split("\n")[0], { node, label });
        }
      }
    }
    return found;
  };
  const valuesOf = (node) =>
    (node.outputs || []).flatMap((output) =>
      (output.value || []).map((value) => value.name.split("\n")[0]).filter(Boolean),
    );

  const mark = (groups) => {
    for (const element of document.querySelectorAll(".ortviz-mark, .ortviz-around")) {
      element.classList.remove("ortviz-mark", "ortviz-around");
      for (const name of ["mark", "ink", "around"]) element.style.removeProperty(`--ortviz-${name}`);
    }
    const nodes = nodesByValue();
    const marked = new Set();
    for (const { values, color, ink, around } of groups) {
      const kind = around ? "ortviz-around" : "ortviz-mark";
      for (const name of values) {
        const element = nodes.get(name)?.label.element;
        if (!element) continue;
        element.classList.add(kind);
        element.style.setProperty(`--${kind}`, color);
        if (ink) element.style.setProperty("--ortviz-ink", ink);
        marked.add(element);
      }
    }
    say("marked", { nodes: marked.size });
  };

  const select = (value) => {
    const target = view && (view.target || view._graph);
    const found = nodesByValue().get(value);
    if (!target || !found) return;
    // What it tells is of a node clicked before.
    if (view._sidebar && view._sidebar.close) view._sidebar.close();
    const elements = target.select([found.node], "sidebar");
    target.scrollTo(elements && elements.length ? elements : [found.label.element], "instant");
  };

  // Netron begins at the inputs. Parameters that are inputs spread them far apart, which leaves
  // nothing but lines on screen; the first operator is where a reader begins.
  const begin = () => {
    const target = view && (view.target || view._graph);
    const first = nodesByValue().values().next().value;
    if (target && target.scrollTo && first) target.scrollTo([first.label.element], "instant");
  };

  const open = ({ name, bytes }) => {
    if (!ready || opening) {
      waiting = { name, bytes };
      return;
    }
    opening = true;
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "application/octet-stream" }));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true });
    Object.defineProperty(event, "dataTransfer", { value: transfer });
    document.body.dispatchEvent(event);
  };
  const opened = () => {
    opening = false;
    if (waiting) {
      const next = waiting;
      waiting = null;
      // Netron finishes what it does after `open` first.
      window.setTimeout(() => open(next), 0);
    }
  };

  const watch = (value) => {
    view = value;
    const openModel = value.open.bind(value);
    value.open = async (context) => {
      const name = context.identifier;
      try {
        const model = await openModel(context);
        const graph = value.activeTarget;
        begin();
        say("opened", { name, nodes: graph && graph.nodes ? graph.nodes.length : 0 });
        return model;
      } catch (error) {
        say("failed", { name, message: error && error.message ? error.message : String(error) });
        throw error;
      } finally {
        opened();
      }
    };
    const show = value.show.bind(value);
    value.show = (page) => {
      show(page);
      if (!ready && page === "welcome") {
        ready = true;
        say("ready");
        if (waiting) opened();
      } else if (!ready && page !== "welcome spinner") {
        // Opened by the address of the page.
        ready = true;
        say("ready");
      }
    };
  };
  Object.defineProperty(window, "__view__", { get: () => view ?? undefined, set: watch });

  window.addEventListener("message", (event) => {
    const message = event.data;
    if (event.source !== parent || !message || message.ortviz !== "netron") return;
    if (message.command === "open") open(message);
    else if (message.command === "mark") mark(message.groups);
    else if (message.command === "select") select(message.value);
    else if (message.command === "theme") {
      theme = message.theme;
      applyTheme();
    }
  });

  document.addEventListener(
    "click",
    (event) => {
      if (!(event.target instanceof Element)) return;
      // A link out of the page would replace it; documentation opens where a person sees it go.
      const link = event.target.closest("a[href]");
      if (link && link.origin !== window.location.origin) {
        link.target = "_blank";
        link.rel = "noopener noreferrer";
      }
      const element = event.target.closest("g.graph-node, g.node");
      if (!element) return;
      for (const { node, label } of nodesByValue().values()) {
        if (label.element === element) {
          const type = node.type && node.type.name ? node.type.name : "";
          say("picked", { name: node.name || "", type, values: valuesOf(node) });
          return;
        }
      }
    },
    true,
  );
})();
