import { defineConfig } from 'vitest/config';

// Long runs, one after the other: they measure, and would measure each other. Not part of `npm test`.
export default defineConfig({
  test: {
    include: ['test/soak/*.soak.ts'],
    pool: 'forks',
    fileParallelism: false,
    // What is seen on the way is worth having even when it ends badly.
    disableConsoleIntercept: true,
  },
});
