/**
 * Bundles what the browser loads without JupyterLab's own builder into `ortviz/static/`.
 *
 * Every entry is one file that asks nobody for anything at run time: plotly.js and all else is
 * inside. An entry whose source does not exist is skipped, so that rooms can be built alone.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { buildWorker } from "./build-worker.mjs";
import { writeLicences } from "./licences.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, "..", "ortviz", "static");

/** Source, output and module format of each bundle. */
const ENTRIES = [
  { source: "src/widget/index.ts", name: "widget", format: "esm" },
  { source: "src/widget/loader.ts", name: "loader", format: "esm" },
  { source: "src/widget/report.ts", name: "report", format: "iife" },
];

function options(entry) {
  return {
    absWorkingDir: root,
    entryPoints: { [entry.name]: entry.source },
    outdir,
    bundle: true,
    format: entry.format,
    platform: "browser",
    target: ["es2022"],
    jsx: "automatic",
    jsxImportSource: "preact",
    minify: true,
    legalComments: "linked",
    metafile: true,
    loader: { ".svg": "dataurl", ".css": "css" },
    define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
    logLevel: "warning",
  };
}

/** Content hashes, so that a server may let browsers keep a bundle for good. */
async function writeManifest() {
  const hashes = {};
  for (const name of (await readdir(outdir)).sort()) {
    if (!/\.(js|css)$/.test(name)) continue;
    const bytes = await readFile(join(outdir, name));
    hashes[name] = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  }
  await writeFile(join(outdir, "manifest.json"), `${JSON.stringify(hashes, null, 2)}\n`);
  return hashes;
}

const entries = ENTRIES.filter((entry) => existsSync(join(root, entry.source)));
await mkdir(outdir, { recursive: true });
await buildWorker();

if (process.argv.includes("--watch")) {
  for (const entry of entries) {
    const context = await esbuild.context({ ...options(entry), logLevel: "info" });
    await context.watch();
  }
} else {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const results = await Promise.all(entries.map((entry) => esbuild.build(options(entry))));
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  // ELK is in the layout worker, which bundles hold as a text.
  const elk = ["node_modules/elkjs"];
  await writeLicences(root, inputs, elk, join(outdir, "third-party-licenses.txt"));
  const hashes = await writeManifest();
  for (const [name, hash] of Object.entries(hashes)) {
    const { length } = await readFile(join(outdir, name));
    console.log(`ortviz/static/${name}  ${(length / 1024).toFixed(0)} KB  ${hash}`);
  }
}
