import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    globalSetup: "scripts/build-worker.mjs",
    restoreMocks: true,
    // zrender's modules say nothing of being modules, so Node would not load them as such.
    server: { deps: { inline: ["zrender"] } },
  },
});
