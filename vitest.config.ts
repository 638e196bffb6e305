import { defineConfig } from 'vitest/config'

const UNIT = ['packages/*/test/unit/**/*.test.ts', 'services/*/test/unit/**/*.test.ts']

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'unit', include: UNIT } },
      {
        extends: true,
        test: {
          name: 'redis',
          include: ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts'],
          exclude: UNIT,
          globalSetup: ['packages/testbed/src/vitest.ts'],
          // Generous, as a deadline and not as a measure: what a test waits for is an event.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Tests that run side by side mostly wait.
          maxConcurrency: 10,
        },
      },
    ],
  },
})
