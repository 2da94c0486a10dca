import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Where engines and processes are killed, stopped and lied to: long, and mostly waiting. */
const chaos = ['test/integration/{chaos-*,crash,half-calls,use-guarantees}.test.ts']

/** Computes more than it waits, on a Redis alone. */
const simulator = ['test/integration/simulator.test.ts']

/** What promises how long something takes: nothing else runs beside these. */
const timed = [
  'test/integration/{chaos-boundary,chaos-hot-workspace,fail-modes,graceful-stop,overload}.test.ts',
]

/** These change nothing that others see: each module is read once for all files. Some compute for seconds on a busy machine. */
const pure = { pool: 'threads', isolate: false, testTimeout: 30_000 } as const

/** Files that share a system one after another: it would end for a file between them that starts its own. */
class SharedFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { shared = [], own = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      readFileSync(moduleId, 'utf8').match(/\b(sharedSystem|twoWorkspaces)\(/) !== null ? 'shared' : 'own',
    )
    return [...shared, ...own]
  }
}

/** Ten suites, in the order of cost: tidy and unit open no socket, the rest use real engines; `cluster` brings its own. */
export default defineConfig({
  test: {
    sequence: { sequencer: SharedFirst },
    // What was asserted is named whole: a failure that comes once in fifty runs has to be understood from its message.
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      { extends: true, test: { name: 'tidy', include: ['test/*.test.ts'], ...pure } },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{core,schemas,drivers,consumers,api,cli,client,deploy,test/bench}/**/*.test.ts'],
          ...pure,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: [...chaos, ...simulator, ...timed],
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: chaos,
          exclude: timed,
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'simulator',
          include: simulator,
          globalSetup: ['test/helpers/engines.ts'],
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'timed',
          include: timed,
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'acceptance',
          include: ['test/acceptance/**/*.test.ts'],
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: ['test/end-to-end/**/*.test.ts'],
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/helpers/engines.ts'],
          testTimeout: 60_000,
          hookTimeout: 420_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
