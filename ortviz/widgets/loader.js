/**
 * Brings the debugger's bundle into the page, once however many widgets show it: from ortviz's
 * server extension where it has the kernel's version, else from the kernel itself.
 */
const bundles = (globalThis[Symbol.for("ortviz.bundles")] ??= new Map());

/** The page's own Jupyter Server; null where there is none, so that no other host is asked. */
function serverUrl() {
  let base = document.body?.dataset.baseUrl;
  try {
    base = JSON.parse(document.getElementById("jupyter-config-data").textContent).baseUrl ?? base;
  } catch {}
  if (!base) return null;
  const url = new URL(`${base.replace(/\/*$/, "")}/ortviz/static/`, location.href);
  return url.origin === location.origin ? url.href : null;
}

/** What the server has; it may be another version than the kernel's. */
async function fromManifest() {
  const url = serverUrl();
  const answer = url && (await fetch(`${url}manifest.json`, { cache: "no-cache" }));
  return answer?.ok ? { url, hashes: await answer.json() } : null;
}

async function fromServer({ url, hashes }) {
  const css = await fetch(`${url}widget.css?v=${hashes["widget.css"]}`);
  const module = await import(`${url}widget.js?v=${hashes["widget.js"]}`);
  return { module, css: css.ok ? await css.text() : "" };
}

async function fromBytes([js, css]) {
  const url = URL.createObjectURL(new Blob([js], { type: "text/javascript" }));
  try {
    return { module: await import(url), css: new TextDecoder().decode(css) };
  } finally {
    URL.revokeObjectURL(url);
  }
}

function fromKernel(model) {
  if (model.get("_files").length) return fromBytes(model.get("_files"));
  return new Promise((resolve, reject) => {
    const take = (message, buffers) => {
      if (message?.type !== "bundle") return;
      model.off("msg:custom", take);
      if (message.error) reject(new Error(message.error));
      else resolve(fromBytes(buffers));
    };
    model.on("msg:custom", take);
    model.send({ type: "bundle_request" });
  });
}

async function fetchBundle(model, hash) {
  const server = await fromManifest().catch(() => null);
  if (server?.hashes["widget.js"] === hash) {
    return fromServer(server).catch(() => fromKernel(model));
  }
  if (!server) return fromKernel(model);
  // A saved notebook may have no kernel: better another version than nothing.
  const late = new Promise((resolve) => setTimeout(resolve, 4000)).then(() => fromServer(server));
  return Promise.any([fromKernel(model), late]);
}

function load(model) {
  const hash = model.get("bundle_hash");
  if (!bundles.has(hash)) {
    const loading = fetchBundle(model, hash).then(({ module, css }) => {
      const style = document.createElement("style");
      style.textContent = css;
      document.head.append(style);
      return typeof module.default === "function" ? module.default() : module.default;
    });
    loading.catch(() => bundles.delete(hash));
    bundles.set(hash, loading);
  }
  return bundles.get(hash);
}

/**
 * By run and not by model: anywidget gives `render` another model object than `initialize`.
 */
const ready = new Map();

export default {
  initialize(context) {
    // Not awaited: a view shows a word meanwhile, since a busy kernel answers late.
    const initialized = load(context.model).then(async (widget) => {
      const cleanUp = await widget.initialize?.(context);
      return { widget, cleanUp };
    });
    const key = context.model.get("run_id");
    ready.set(key, initialized);
    initialized.catch(() => {});
    return () => {
      if (ready.get(key) === initialized) ready.delete(key);
      return initialized.then(({ cleanUp }) => cleanUp?.()).catch(() => {});
    };
  },
  async render(context) {
    const note = document.createElement("p");
    const timer = setTimeout(() => {
      note.textContent = "The debugger appears here as soon as the kernel can send it.";
    }, 1500);
    context.el.append(note);
    try {
      // A saved notebook's widget may be drawn without having been initialised.
      const began = ready.get(context.model.get("run_id"));
      const { widget } = await (began ?? { widget: await load(context.model) });
      note.remove();
      return await widget.render(context);
    } catch (error) {
      note.textContent = `ortviz could not show its debugger: ${error.message} — run.to_html("report.html") writes a page that needs no widget.`;
    } finally {
      clearTimeout(timer);
    }
  },
};
