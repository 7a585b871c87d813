import { defineConfig } from 'vitest/config';

// Tests import the built files (#src/*): worker threads and the packed CLI run what ships, not a transpiled twin.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: ffmpeg and onnxruntime use both already.
    maxWorkers: 2,
    pool: 'forks',
  },
});
