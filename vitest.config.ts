import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/console/set-up.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
