/** Removes what the builds of this package produced. */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
for (const path of ["build", "lib", "../ortviz/static", "../ortviz/labextension"]) {
  await rm(join(root, path), { recursive: true, force: true });
}
