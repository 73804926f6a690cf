/**
 * Where Jupyter Server is, as its page says: always ends with a slash. Null outside JupyterLab
 * and Notebook, where no server of ours can be asked.
 */
export function jupyterBaseUrl(page: Document): string | null {
  const given = page.body.dataset.baseUrl ?? configuredBaseUrl(page);
  if (given === undefined || given === "") return null;
  return given.endsWith("/") ? given : `${given}/`;
}

function configuredBaseUrl(page: Document): string | undefined {
  const text = page.getElementById("jupyter-config-data")?.textContent;
  if (!text) return undefined;
  try {
    const { baseUrl } = JSON.parse(text) as { baseUrl?: unknown };
    return typeof baseUrl === "string" ? baseUrl : undefined;
  } catch {
    return undefined;
  }
}
