// Unpacks what the report embeds and starts the same widget that runs in a notebook.
(async () => {
  "use strict";
  const root = document.getElementById("ortviz-root");

  const unpack = async (id) => {
    const element = document.getElementById(id);
    const bytes = Uint8Array.from(atob(element.textContent), (char) => char.charCodeAt(0));
    element.remove();
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };

  let netron = null;
  const netronDocument = document.getElementById("ortviz-netron")
    ? () => {
        netron ??= unpack("ortviz-netron");
        return netron;
      }
    : null;

  try {
    const opening = document.createElement("p");
    opening.textContent = "Opening the report…";
    root.replaceChildren(opening);
    // Unpacking keeps the page busy; this lets it be painted before.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser is too old for it: Chrome 80, Firefox 113 or Safari 16.4 is needed.");
    }
    const report = JSON.parse(document.getElementById("ortviz-report").textContent);
    const script = new Blob([await unpack("ortviz-widget")], { type: "text/javascript" });
    const url = URL.createObjectURL(script);
    const widget = await import(url);
    URL.revokeObjectURL(url);
    const transport = widget.createStaticTransport(report, netronDocument);
    const { title, notes } = report;
    const mount = report.views.includes("graph") ? widget.mountGraph : widget.mount;
    root.replaceChildren();
    mount(root, transport, { kind: "report", title, notes, netronDocument });
  } catch (error) {
    const sentence = document.createElement("p");
    sentence.textContent = `This report cannot be shown. ${error.message}`;
    root.replaceChildren(sentence);
    throw error;
  }
})();
