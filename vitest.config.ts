import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/console/set-up.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Else a second, which a machine that runs other tests beside may not have.
    expect: { poll: { timeout: 25_000 } },
  },
});
