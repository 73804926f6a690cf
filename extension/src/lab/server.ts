import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection } from "@jupyterlab/services";

/** What to tell a person when ortviz's half on the server is not there. */
export const SERVER_MISSING =
  "ortviz's server extension does not answer. Install ortviz in the environment that runs " +
  "Jupyter Server, check `jupyter server extension list`, and start Jupyter again.";

/** The server's base URL without its origin, as Netron and the transports take it. */
export function basePath(settings: ServerConnection.ISettings): string {
  return new URL(settings.baseUrl, window.location.href).pathname;
}

/** The address of something below `<base_url>/ortviz/`. */
export function ortvizUrl(settings: ServerConnection.ISettings, ...parts: string[]): string {
  return URLExt.join(settings.baseUrl, "ortviz", ...parts);
}

/**
 * The address of Netron's page, told to open a model.
 *
 * @param modelUrl Where the model's bytes are; on the same server.
 * @param name Shown as the title; ends in `.onnx`.
 */
export function netronUrl(
  settings: ServerConnection.ISettings,
  modelUrl: string,
  name: string,
  theme: "light" | "dark",
): string {
  const { pathname, search } = new URL(modelUrl, settings.baseUrl);
  const query = new URLSearchParams({ url: pathname + search, identifier: name, theme });
  return `${ortvizUrl(settings, "netron", "index.html")}?${query}`;
}

/** Whether the server has ortviz's half. Never rejects. */
export async function serverAnswers(settings: ServerConnection.ISettings): Promise<boolean> {
  try {
    const url = ortvizUrl(settings, "netron", "ortviz-shim.js");
    return (await ServerConnection.makeRequest(url, { method: "HEAD" }, settings)).ok;
  } catch {
    return false;
  }
}
