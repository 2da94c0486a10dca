import { afterAll, beforeAll, expect, test } from 'vitest'
import { scopes } from '#core/api-key.ts'
import { findSchemathesis, fuzzContract } from '#test/fuzz/schemathesis.ts'
import { seedOfRun } from '#test/helpers/random.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

/** Requests of an operation in the random phase; `make soak` asks for more. */
const EXAMPLES = Number(process.env['G22_EXAMPLES'] ?? 12)
/** All engines are up: a 503 is a fault here, not the machine's load. */
const PATIENT = { CHECK_BUDGET_MS: '10000', HOLD_BUDGET_MS: '10000' }
/** The workspace that schemathesis.toml names. */
const FUZZED = 'w-fuzzed'

const schemathesis = await findSchemathesis()
if ('missing' in schemathesis) console.log(`G22: the contract is not fuzzed: ${schemathesis.missing}`)

let system: System
beforeAll(async () => {
  system = await startSystem(['api', 'consumers'], PATIENT)
  await Object.assign(new TestWorkspace(system), { id: FUZZED }).subscribe({})
})
afterAll(() => system.stop())

test.skipIf('missing' in schemathesis)(
  'G22: requests made from the contract are all answered as it says, none by 5xx, with a key for everything and with one for each scope',
  async () => {
    if ('missing' in schemathesis) return
    const seed = seedOfRun()
    const common = { ...schemathesis, api: system.api, seed }
    const whole = await fuzzContract({
      ...common,
      key: system.key,
      examples: EXAMPLES,
      phases: 'coverage,fuzzing',
    })
    expect(whole.code, whole.output).toBe(0)
    expect(whole.requests).toBeGreaterThan(500)
    let requests = whole.requests
    for (const scope of scopes) {
      const key = await system.createKey({ scopes: [scope] })
      const examples = Math.ceil(EXAMPLES / 6)
      const fuzzed = await fuzzContract({ ...common, key, examples, phases: 'fuzzing' })
      expect(fuzzed.code, `${scope}: ${fuzzed.output}`).toBe(0)
      requests += fuzzed.requests
    }
    expect(system.wholeLogOf('api')).not.toContain('"level":50')
    console.log(`G22: seed ${seed}, ${requests} requests made from the contract, each answered as it says`)
  },
  1_800_000,
)
