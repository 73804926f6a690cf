/**
 * Builds the demo page: the views on a recorded run, without Jupyter, into `demo/build/`.
 *
 * `node scripts/build-demo.mjs [report.html | report.json] [--serve]`: the run is taken from a
 * report that ortviz wrote.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { buildWorker } from "./build-worker.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, "demo", "build");

/** The data block of a report, whether it is the page or the data alone. */
function reportData(text) {
  const block = /<script type="application\/json" id="ortviz-report">([\s\S]*?)<\/script>/.exec(
    text,
  );
  return JSON.stringify(JSON.parse(block ? block[1] : text));
}

await mkdir(outdir, { recursive: true });
await buildWorker();
const source = process.argv.slice(2).find((argument) => !argument.startsWith("--"));
if (source !== undefined) {
  await writeFile(join(outdir, "report.json"), reportData(await readFile(source, "utf8")));
}
const options = {
  absWorkingDir: root,
  entryPoints: { demo: "src/demo/main.ts" },
  outdir,
  bundle: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
  logLevel: "warning",
};
if (process.argv.includes("--serve")) {
  const context = await esbuild.context(options);
  const { port } = await context.serve({ servedir: join(root, "demo"), host: "127.0.0.1" });
  console.log(`http://127.0.0.1:${port}/index.html`);
} else {
  await esbuild.build(options);
}
