import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

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

interface OnEngines {
  readonly testTimeout?: number
  readonly hookTimeout?: number
  /** Starts what it needs by itself. */
  readonly bringsOwn?: boolean
}

/** The files of one folder, one after another, on engines that run as long as all of them. */
function onEngines(
  name: string,
  { testTimeout = 60_000, hookTimeout = 120_000, bringsOwn = false }: OnEngines = {},
) {
  const include = [`test/${name}/**/*.test.ts`]
  const globalSetup = bringsOwn ? [] : ['test/helpers/engines.ts']
  return {
    extends: true,
    test: { name, include, globalSetup, testTimeout, hookTimeout, fileParallelism: false, isolate: false },
  } as const
}

/**
 * A suite for each folder, in the order of cost: tidy and unit open no socket, the rest use real engines.
 * `test/run.ts` says which of them `make test` runs.
 */
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
      onEngines('simulator', { bringsOwn: true }),
      onEngines('integration'),
      onEngines('acceptance'),
      onEngines('end-to-end', { testTimeout: 120_000, hookTimeout: 180_000 }),
      onEngines('systems'),
      onEngines('pages', { testTimeout: 120_000, hookTimeout: 180_000 }),
      onEngines('browser', { hookTimeout: 420_000 }),
      onEngines('chaos'),
      onEngines('cluster', { bringsOwn: true }),
      onEngines('timed'),
    ],
  },
})
