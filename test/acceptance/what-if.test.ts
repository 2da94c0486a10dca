import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { setUp } from '#deploy/setup.ts'
import { judged, readRoute } from '#test/helpers/acceptance.ts'
import { loadDemo } from '#test/helpers/demo.ts'
import { eventually } from '#test/helpers/eventually.ts'
import {
  type CatalogueDraft,
  currentCatalogue,
  enforce,
  ownAddresses,
  startOwnSystem,
} from '#test/helpers/own-system.ts'
import type { System } from '#test/helpers/system.ts'
import { type SeenDecision, TestWorkspace } from '#test/helpers/workspace.ts'

interface Denied {
  readonly workspace: string
  readonly feature: string
  readonly since: string
  readonly reason: string
}

const addresses = ownAddresses()
let system: System
let shipped: CatalogueDraft
let workspaces: readonly TestWorkspace[]
beforeAll(async () => {
  system = await startOwnSystem(addresses)
  shipped = await currentCatalogue(system)
  workspaces = await loadDemo(system)
  await Promise.all(workspaces.map((workspace) => judged(system, workspace)))
})
afterAll(() => system.stop())
beforeEach(() => enforce(system, shipped))

/** The shipped catalogue with less of this and that for everyone, from today on. */
function tighter(change: (draft: CatalogueDraft) => void = () => undefined): CatalogueDraft {
  const draft = structuredClone(shipped)
  const lower = {
    trial: { limits: { ai_agents: { base: 1 } } },
    base: { limits: { leads: { perSeat: 2_000 }, ai_credits: { perSeat: 500 } } },
    advanced: {
      limits: { leads: { perSeat: 1_500 }, ai_credits: { perSeat: 450 }, whatsapp_numbers: { base: 1 } },
      off: ['salesbot'],
    },
    pro: { limits: { ai_agents: { base: 1 }, leads: { perSeat: 500 } } },
  }
  for (const [plan, { limits, ...switches }] of Object.entries(lower)) {
    const reaching = Object.entries(limits).map(([feature, limit]) => [feature, { ...limit, reach: 'all' }])
    const off = 'off' in switches ? switches.off.map((feature) => ({ feature, reach: 'all' })) : []
    const version = new Date().toISOString().slice(0, 10)
    Object(draft['plans'])[plan].versions.push({ version, limits: Object.fromEntries(reaching), off })
  }
  change(draft)
  return draft
}

async function whatIf(catalogue: unknown): Promise<readonly Denied[]> {
  const denied: Denied[] = []
  let cursor: string | null = null
  do {
    const question: object = cursor === null ? { catalogue } : { catalogue, cursor }
    const response = await new TestWorkspace(system).post('/v1/what-if', question)
    const page = Object(await response.json())
    expect([response.status, page.unknown], JSON.stringify(page.problems)).toEqual([200, []])
    denied.push(...page.denied)
    cursor = page.cursor
  } while (cursor !== null)
  return denied
}

/** What every workspace is told of adding one more of every feature, by `<workspace> <feature>`. */
async function askAll(): Promise<ReadonlyMap<string, SeenDecision>> {
  const features = Object.keys(shipped['features'] ?? {})
  const answers = await Promise.all(
    workspaces.map((workspace) =>
      Promise.all(
        features.map(async (feature): Promise<[string, SeenDecision]> => {
          return [`${workspace.id} ${feature}`, await workspace.check({ feature })]
        }),
      ),
    ),
  )
  return new Map(answers.flat())
}

function deniedIn(answers: ReadonlyMap<string, SeenDecision>): ReadonlySet<string> {
  return new Set([...answers].filter(([, { allowed }]) => !allowed).map(([key]) => key))
}

test('S13: what-if over the demo names exactly who the enforced catalogue then denies, in the same words', async () => {
  const before = await askAll()
  const named = await whatIf(tighter())
  await enforce(system, tighter())
  const after = await askAll()
  const now = Date.now()
  const keyOf = ({ workspace, feature }: Denied): string => `${workspace} ${feature}`
  const atOnce = named.filter(({ since }) => Date.parse(since) <= now)
  const deniedBefore = deniedIn(before)
  const newlyDenied = [...deniedIn(after)].filter((key) => !deniedBefore.has(key))
  expect(atOnce.map(keyOf).toSorted()).toEqual(newlyDenied.toSorted())
  for (const denied of atOnce) {
    const { reason, limit, used, unblock } = after.get(keyOf(denied)) ?? {}
    expect(denied).toMatchObject({ reason, limit, used, unblock })
  }
  const later = named.filter(({ since }) => Date.parse(since) > now)
  const tolerated = [...after].filter(
    ([key, { reason }]) => reason === 'over_limit_grace' && before.get(key)?.reason !== reason,
  )
  expect(later.map(keyOf).toSorted()).toEqual(tolerated.map(([key]) => key).toSorted())
  const figures = `${workspaces.length} workspaces, ${before.size} questions`
  process.stdout.write(
    `what-if: ${figures}, ${atOnce.length} denied at once, ${later.length} after their grace\n`,
  )
  expect(Math.min(atOnce.length, later.length)).toBeGreaterThan(0)
  await enforce(system, shipped)
  expect(deniedIn(await askAll())).toEqual(deniedBefore)
})

test('S13: a workspace that was stored before there was a list of them is looked at, too', async () => {
  const all = await whatIf(tighter())
  const [first] = all
  await system.mongo.db.collection<{ _id: string }>('workspaces').deleteOne({ _id: first?.workspace ?? '' })
  expect((await whatIf(tighter())).map(({ workspace }) => workspace)).not.toContain(first?.workspace)
  await setUp(addresses)
  const again = (await whatIf(tighter())).map(({ workspace, feature }) => `${workspace} ${feature}`)
  expect(again).toEqual(all.map(({ workspace, feature }) => `${workspace} ${feature}`))
})

test('S14: a feature in shadow mode is allowed, with the reason and ways out it would have, and logged so', async () => {
  const shadow = tighter((draft) => {
    for (const feature of ['ai_credits', 'salesbot']) Object(draft['features'])[feature].mode = 'shadow'
  })
  const named = new Set((await whatIf(shadow)).map(({ feature }) => feature))
  expect([named.has('ai_credits'), named.has('salesbot'), named.has('leads')]).toEqual([false, false, true])
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'advanced' })
  await workspace.send('AiCallEvent', { function: 'summary', credits: 450 })
  await workspace.counted()
  await enforce(system, shadow)
  const credits = await workspace.check({ feature: 'ai_credits' })
  expect(credits).toMatchObject({ allowed: true, reason: 'limit_reached', used: 450, limit: 450 })
  expect(credits.unblock.map(({ action }) => action)).toContain('upgrade')
  expect(await workspace.check({ feature: 'salesbot', intent: 'use' })).toMatchObject({
    allowed: true,
    reason: 'feature_not_in_plan',
  })
  const rows = async (): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const { decisions } = await readRoute(workspace, '/decisions')
    return decisions.filter(({ reason }: { readonly reason: string }) => reason !== 'within_limit')
  }
  const logged = await eventually(rows, (seen) => seen.length >= 2, { what: 'both in the decision log' })
  const words = logged.map(({ feature, reason, allowed, count }) => [feature, reason, allowed, count])
  expect(words.toSorted()).toEqual([
    ['ai_credits', 'limit_reached', true, 1],
    ['salesbot', 'feature_not_in_plan', true, 1],
  ])
  const why = logged.map(({ last }) => String(Object(last).why))
  expect(why.every((text) => text.startsWith('allowed in shadow mode, would be denied'))).toBe(true)
  await enforce(system, shipped)
  expect((await workspace.check({ feature: 'ai_credits' })).reason).toBe('within_limit')
})

test('L1: in shadow mode nobody is told or refused; once it is enforced, the grace begins and is told', async () => {
  const draft = structuredClone(shipped)
  Object(draft['features'])['leads'].mode = 'shadow'
  await enforce(system, draft)
  const workspace = new TestWorkspace(system)
  const [now, question] = [Date.now(), { feature: 'leads' }]
  await workspace.subscribe({ plan: 'base', planSince: now - 2 * DAY_MS, periodStart: now - 2 * DAY_MS })
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 2_500 }, now - 25 * HOUR_MS)
  const shown = await workspace.becomes(question, 'limit_reached')
  expect([shown.allowed, shown.used, shown.limit]).toEqual([true, 2_500, 2_500])
  const lead = { workspace: workspace.id, id: 'c1', items: [{ ...question, quantity: 1 }] }
  const consumed = await workspace.post('/v1/consume', lead)
  const { allowed, decisions } = Object(await consumed.json())
  expect([consumed.status, allowed, decisions[0].reason]).toEqual([200, true, 'limit_reached'])
  expect((await readRoute(workspace, '/notices')).notices).toEqual([])
  await enforce(system, shipped)
  const enforced = await workspace.check(question)
  expect([enforced.allowed, enforced.reason, enforced.used]).toEqual([true, 'over_limit_grace', 2_501])
  const told = await eventually(
    async () => (await readRoute(workspace, '/notices')).notices as readonly { readonly type: string }[],
    (notices) => notices.some(({ type }) => type === 'grace_started'),
    { what: 'the grace to be told' },
  )
  expect(told.map(({ type }) => type).toSorted()).toEqual([
    'grace_started',
    'threshold_crossed',
    'threshold_crossed',
  ])
  expect((await workspace.check(question)).reason).toBe('over_limit_grace')
})

test('S16: after a lapse each mode leaves its intents: allow all, block_new read and use, read_only read, block none', async () => {
  const modes = {
    leads: 'allow',
    contacts_companies: 'block_new',
    ai_credits: 'read_only',
    api_access: 'block',
  }
  const draft = structuredClone(shipped)
  for (const [feature, lapse] of Object.entries(modes)) Object(draft['features'])[feature].lapse = lapse
  await enforce(system, draft)
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'pro', periodEnd: Date.now() - 1_000 })
  const answers = Object.keys(modes).map(async (feature) => {
    const asked = ['read', 'use', 'add'].map((intent) => workspace.check({ feature, intent }))
    return (await Promise.all(asked)).map(({ allowed, reason }) => (allowed ? 'allowed' : reason))
  })
  expect(await Promise.all(answers)).toEqual([
    ['allowed', 'allowed', 'allowed'],
    ['allowed', 'allowed', 'subscription_lapsed'],
    ['allowed', 'read_only', 'read_only'],
    ['subscription_lapsed', 'subscription_lapsed', 'subscription_lapsed'],
  ])
})
