import { ServerConnection } from "@jupyterlab/services";
import { describe, expect, it } from "vitest";
import { netronUrl, ortvizUrl, serverAnswers } from "./server";

function settings(status: number | null): ServerConnection.ISettings {
  return ServerConnection.makeSettings({
    baseUrl: "http://localhost:8888/user/ada/",
    fetch: async () => {
      if (status === null) throw new TypeError("no network");
      return new Response(null, { status });
    },
  });
}

describe("addresses on the server", () => {
  it("stay below the base URL", () => {
    expect(ortvizUrl(settings(200), "netron", "index.html")).toBe(
      "http://localhost:8888/user/ada/ortviz/netron/index.html",
    );
  });

  it("tell Netron the model's path, name and theme", () => {
    const model = "http://localhost:8888/user/ada/files/a%20b/m%26.onnx?_xsrf=2%7Cx";
    const url = new URL(netronUrl(settings(200), model, "m&.onnx", "dark"));
    expect(url.pathname).toBe("/user/ada/ortviz/netron/index.html");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      url: "/user/ada/files/a%20b/m%26.onnx?_xsrf=2%7Cx",
      identifier: "m&.onnx",
      theme: "dark",
    });
  });

  it.each([
    [200, true],
    [404, false],
    [null, false],
  ])("know by status %s whether ortviz is there: %s", async (status, there) => {
    expect(await serverAnswers(settings(status))).toBe(there);
  });
});
