import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS } from '#core/instant.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

interface Denied {
  readonly workspace: string
  readonly feature: string
  readonly since: string
  readonly reason: string
  readonly limit: number | null
  readonly unblock: readonly { readonly action: string }[]
}

interface Answer {
  readonly denied: readonly Denied[]
  readonly workspaces: number
  readonly cursor: string | null
}

let system: System
let workspaces: readonly TestWorkspace[]
/** Credits and leads of each workspace, around the limits of base (750 credits, 2,500 leads). */
const uses = [
  { credits: 0, leads: 0 },
  { credits: 749, leads: 2_499 },
  { credits: 750, leads: 100 },
  { credits: 900, leads: 2_500 },
  { credits: 10, leads: 3_000 },
]

beforeAll(async () => {
  system = await sharedSystem()
  workspaces = uses.map(() => new TestWorkspace(system))
  await Promise.all(
    workspaces.map(async (workspace, index) => {
      await workspace.subscribe({ plan: 'advanced' })
      const use = uses[index] ?? { credits: 0, leads: 0 }
      await workspace.send('AiCallEvent', { function: 'summary', credits: use.credits })
      await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: use.leads })
      await workspace.counted()
    }),
  )
})
afterAll(() => system.stop())

async function ask(body: object, key = system.key): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${system.api}/v1/what-if`, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function answerTo(body: object, key?: string): Promise<Answer> {
  const response = await ask(body, key)
  const answer: unknown = await response.json()
  expect(response.status, JSON.stringify(answer)).toBe(200)
  return answer as Answer
}

/** Every page of a what-if, of our workspaces alone. */
async function everyPage(catalogue: unknown): Promise<readonly Denied[]> {
  const denied: Denied[] = []
  let cursor: string | null = null
  do {
    const page: Answer = await answerTo(cursor === null ? { catalogue } : { catalogue, cursor })
    denied.push(...page.denied)
    cursor = page.cursor
  } while (cursor !== null)
  const own = new Set(workspaces.map(({ id }) => id))
  return denied.filter(({ workspace }) => own.has(workspace))
}

async function currentCatalogue(): Promise<Record<string, Record<string, never>>> {
  const headers = { authorization: `Bearer ${system.key}` }
  const response = await fetch(`${system.api}/v1/catalogue`, { headers })
  return Object(await response.json()).catalogue
}

function named(denied: readonly Denied[], feature: string): readonly string[] {
  return denied
    .filter((one) => one.feature === feature)
    .map(({ workspace }) => workspace)
    .toSorted()
}

function idsOf(indexes: readonly number[]): readonly string[] {
  return indexes.map((index) => workspaces[index]?.id ?? '').toSorted()
}

/** A catalogue without any mention of a feature. */
function without(catalogue: unknown, feature: string): unknown {
  const pruned = (_key: string, value: unknown): unknown => {
    if (Array.isArray(value)) return value.filter((one) => one !== feature)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).filter(([key]) => key !== feature))
  }
  return JSON.parse(JSON.stringify(catalogue, pruned))
}

describe('another catalogue', () => {
  test('names exactly the workspaces that would pass the lower limit, since when, and the way out', async () => {
    const catalogue = structuredClone(await currentCatalogue())
    const limits = { ai_credits: { perSeat: 750, reach: 'all' }, leads: { perSeat: 2_500, reach: 'all' } }
    const advanced = Object(catalogue['plans'])['advanced']
    advanced.versions.push({ version: '2026-11-01', limits })
    const denied = await everyPage(catalogue)
    expect(named(denied, 'ai_credits')).toEqual(idsOf([2, 3]))
    expect(named(denied, 'leads')).toEqual(idsOf([3, 4]))
    const now = Date.now()
    for (const { feature, since, unblock, limit } of denied) {
      const graceMs = feature === 'leads' ? 24 * HOUR_MS : 0
      expect(Math.abs(Date.parse(since) - graceMs - now), feature).toBeLessThan(30_000)
      expect(unblock.map(({ action }) => action)).toContain('upgrade')
      expect(limit).toBe(feature === 'leads' ? 2_500 : 750)
    }
  })

  test('as it is: nobody is denied anything', async () => {
    expect(await everyPage(await currentCatalogue())).toEqual([])
  })

  test('a feature that is taken out is named for whoever may add to it now, as checks would refuse it', async () => {
    const [first] = workspaces
    const denied = await everyPage(without(await currentCatalogue(), 'salesbot'))
    expect(named(denied, 'salesbot')).toEqual(idsOf(uses.keys().toArray()))
    expect(denied.find(({ workspace }) => workspace === first?.id)).toMatchObject({
      feature: 'salesbot',
      reason: 'unknown_feature',
      limit: null,
      unblock: [],
    })
    expect(denied.every(({ feature }) => feature === 'salesbot')).toBe(true)
  })

  test('a key sees its own workspaces alone', async () => {
    const [first] = idsOf([3])
    const key = await system.createKey({ scopes: ['usage:read'], workspaces: [first ?? ''] })
    const catalogue = await currentCatalogue()
    expect((await answerTo({ catalogue }, key)).workspaces).toBeLessThanOrEqual(1)
    expect((await ask({ workspace: idsOf([2])[0], plan: 'base' }, key)).status).toBe(404)
  })
})

test('S15: names exactly the workspaces that are denied once the plan change has come through Kafka', async () => {
  const answers = await Promise.all(
    workspaces.map(({ id }) => answerTo({ workspace: id, plan: 'base', seats: 1 })),
  )
  const denied = answers.flatMap((answer) => answer.denied)
  const now = (feature: string): readonly string[] =>
    named(
      denied.filter(({ since }) => Date.parse(since) <= Date.now()),
      feature,
    )
  expect(now('ai_credits')).toEqual(idsOf([2, 3]))
  expect(now('leads'), 'they have 24 hours').toEqual([])
  expect(named(denied, 'leads')).toEqual(idsOf([3, 4]))
  await Promise.all(
    workspaces.map((workspace) =>
      workspace.subscribe({ plan: 'base', planSince: Date.now() }, { type: 'downgraded', actor: 'support' }),
    ),
  )
  for (const feature of ['ai_credits', 'leads', 'ai_agents', 'ai_agent', 'salesbot']) {
    const decisions = await Promise.all(workspaces.map((workspace) => workspace.check({ feature })))
    const refused = workspaces.filter((_, index) => decisions[index]?.allowed === false)
    expect(refused.map(({ id }) => id).toSorted(), feature).toEqual(now(feature))
  }
  const reasons = await Promise.all(workspaces.map((workspace) => workspace.check({ feature: 'leads' })))
  expect(reasons.map(({ reason }) => reason === 'over_limit_grace')).toEqual([
    false,
    false,
    false,
    true,
    true,
  ])
})

test('S14: from a trial a plan is bought: a window of its own begins, and what the trial used does not count', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'trial', status: 'trialing', termMonths: 0 }, { type: 'trial_started' })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 1_500 })
  await workspace.counted()
  expect((await workspace.check({ feature: 'ai_credits', intent: 'read' })).used).toBe(1_500)
  const { denied } = await answerTo({ workspace: workspace.id, plan: 'base' })
  expect(named(denied, 'ai_credits')).toEqual([])
  expect(named(denied, 'ai_agents')).toEqual([workspace.id])
})

test.for([
  [{}, 'catalogue'],
  [{ plan: 'base' }, 'catalogue'],
  [{ workspace: 'w', plan: 'base', catalogue: {} }, 'catalogue'],
  [{ workspace: 'w' }, 'plan'],
  [{ workspace: 'w', plan: 'base', cursor: 'x' }, 'cursor'],
] as const)('400: a question that is none names the field: %j', async ([body, field]) => {
  const response = await ask(body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ code: 'invalid_request', field })
})

test('422: a catalogue that PUT refuses is refused, in the same words', async () => {
  const catalogue = await currentCatalogue()
  Object(catalogue['meters'])['leads'][0].quantity = 'amount'
  const headers = { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' }
  const url = `${system.api}/v1/catalogue`
  const etag = (await fetch(url, { headers })).headers.get('etag') ?? ''
  const put = { method: 'PUT', headers: { ...headers, 'if-match': etag }, body: JSON.stringify(catalogue) }
  const [refused, asked] = [await fetch(`${url}?dryRun=true`, put), await ask({ catalogue })]
  expect([refused.status, asked.status]).toEqual([422, 422])
  const { problems } = Object(await asked.json())
  expect(problems).toEqual(Object(await refused.json()).problems)
  expect(problems.map(({ path }: { readonly path: string }) => path)).toEqual(['meters.leads.0'])
})

test('422: a catalogue that breaks its rules is answered with all problems and their paths', async () => {
  const response = await ask({ catalogue: { plans: {} } })
  expect(response.status).toBe(422)
  const { code, problems } = Object(await response.json())
  expect(code).toBe('invalid_catalogue')
  expect(problems.length).toBeGreaterThan(1)
})
