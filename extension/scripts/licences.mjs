/**
 * Licences of what is bundled. Minified bundles hold no comments, and most licences ask for their
 * text to come with every copy.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//;
const LICENCE_FILE = /^(licen[cs]e|copying)\b/i;

/**
 * Write the licences of all packages that bundles are made of into one text.
 *
 * @param root The folder that input files are relative to.
 * @param inputs Files that went into the bundles, as esbuild's metafiles name them.
 * @param further Folders of packages that esbuild does not see.
 */
export async function writeLicences(root, inputs, further, path) {
  const folders = new Set(further);
  for (const input of inputs) {
    const folder = PACKAGE.exec(input)?.[1];
    if (folder !== undefined) folders.add(folder);
  }
  const texts = await Promise.all([...folders].map((folder) => licence(join(root, folder))));
  await writeFile(path, texts.sort().join(`\n${"=".repeat(80)}\n\n`));
  return texts.length;
}

async function licence(folder) {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  const file = (await readdir(folder)).find((entry) => LICENCE_FILE.test(entry));
  if (file === undefined) throw new Error(`${folder} has no licence file to pass on.`);
  const text = await readFile(join(folder, file), "utf8");
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
