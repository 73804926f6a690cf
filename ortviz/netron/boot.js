// Starts Netron inside one HTML document, in place of its own index.js: the modules are blobs
// made from the text in this document, so that nothing is requested from anywhere.
(async () => {
  "use strict";
  window.exports = {};
  const fail = (error) => {
    document.getElementById("message-text").innerText = error.message;
    document.body.setAttribute("class", "welcome message");
  };
  try {
    const packed = document.getElementById("ortviz-netron").textContent;
    const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const { modules, assets, worker } = await new Response(stream).json();

    const script = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
    const imports = {};
    for (const [name, text] of Object.entries(modules)) imports[`netron/${name}`] = script(text);
    const map = document.createElement("script");
    map.type = "importmap";
    map.textContent = JSON.stringify({ imports });
    document.head.append(map);

    await import("netron/browser.js");
    await import("netron/view.js");
    const { browser, view } = window.exports;
    browser.Host.prototype.require = (id) => import(`netron/${id.replace("./", "")}.js`);
    browser.Host.prototype.asset = async (name) => {
      if (name in assets) return assets[name];
      throw new Error(`This document does not contain ${name}.`);
    };
    const workerUrl = script(worker);
    browser.Host.prototype.worker = () => new Worker(workerUrl);

    const host = new browser.Host();
    window.__view__ = new view.View(host);
    await window.__view__.start();
  } catch (error) {
    fail(error);
  }
})();
