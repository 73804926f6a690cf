/**
 * Makes the layout worker one text, `build/layout_worker.js`, that every bundle can carry in it.
 *
 * `build/elk.js` is ELK's worker script as a function of the global names it looks for: it then
 * answers in the same turn, and does not take itself for a worker of its own.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, "build");
const ELK_SCRIPT = "elkjs/lib/elk-worker.min.js";
/** Names ELK asks for to find out where it runs; all but `self` are to be absent. */
const ELK_SCOPE = "self, window, global, document, module, exports";
/** Goes into the bundles' lists of licences: they see the worker as a mere text. */
const NOTICE =
  "/*! elkjs, in the layout worker: Copyright (c) Kiel University and others, " +
  "EPL-2.0, https://github.com/kieler/elkjs */";

async function buildElk() {
  const path = createRequire(import.meta.url).resolve(ELK_SCRIPT);
  const script = await readFile(path, "utf8");
  const text = `export default function loadElk(${ELK_SCOPE}) {\n${script}\n}\n`;
  await writeIfChanged(join(outdir, "elk.js"), text);
}

/** Builders watch these files, and others may read them meanwhile. */
async function writeIfChanged(path, text) {
  const known = await readFile(path, "utf8").catch(() => null);
  if (known === text) return;
  await writeFile(`${path}.${process.pid}`, text);
  await rename(`${path}.${process.pid}`, path);
}

/** Build both files; takes about a second. */
export async function buildWorker() {
  await mkdir(outdir, { recursive: true });
  await buildElk();
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["src/graph/layout/worker.ts"],
    bundle: true,
    format: "iife",
    platform: "browser",
    target: ["es2022"],
    minify: true,
    legalComments: "none",
    banner: { js: NOTICE },
    write: false,
    // ELK is compiled from Java, and compares with -0 in its own way.
    logLevel: "error",
  });
  const [{ contents }] = result.outputFiles;
  const packed = gzipSync(contents, { level: 9 });
  const text = `${NOTICE}\nexport const layoutWorker = "${packed.toString("base64")}";\n`;
  await writeIfChanged(join(outdir, "layout_worker.js"), text);
  return { bytes: contents.length, packedBytes: text.length };
}

/** Tests run the worker of this source. */
export async function setup() {
  await buildWorker();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { bytes, packedBytes } = await buildWorker();
  const kb = (count) => `${(count / 1024).toFixed(0)} KB`;
  console.log(`build/layout_worker.js  ${kb(packedBytes)} (${kb(bytes)} unpacked)`);
}
