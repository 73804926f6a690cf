import { Base64ModelFactory } from "@jupyterlab/docregistry";
import type { Contents } from "@jupyterlab/services";

/**
 * The model of a document whose bytes JupyterLab need not know. Without a format it asks only
 * for the file's name and times; with one it would fetch all of a large file as base64.
 */
export class NoContentModelFactory extends Base64ModelFactory {
  readonly #name: string;

  /** @param name Under which document factories find it. */
  constructor(name: string) {
    super();
    this.#name = name;
  }

  override get name(): string {
    return this.#name;
  }

  override get fileFormat(): Contents.FileFormat {
    return null;
  }
}
