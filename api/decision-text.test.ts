import Fastify from 'fastify'
import { expect, test } from 'vitest'
import type { Amount } from '#core/amount.ts'
import { decideTogether } from '#core/entitlement/decide.ts'
import type { Decision, Request } from '#core/entitlement/decision.ts'
import { resolveEntitlement } from '#core/entitlement/resolve.ts'
import { DAY_MS } from '#core/instant.ts'
import { defaultCatalogue, START, subscriptionWith } from '#test/helpers/facts.ts'
import { decisionText, verdictText } from './decision-text.ts'
import { presentDecision } from './present.ts'
import { decision as schema } from './schemas.ts'

const catalogue = defaultCatalogue()
const NOW = START + 40 * DAY_MS
const accuracy = { asOf: NOW - 17, lagMs: 17, exact: true, degraded: false }

function decisionOf(feature: string, used: number, intent: Request['intent'] = 'add'): Decision {
  const facts = { revision: '1.0.0', subscription: subscriptionWith(), overrides: {}, crossings: {} }
  const entitlement = resolveEntitlement({
    catalogue,
    facts,
    workspace: 'acme',
    featureKey: feature,
    now: NOW,
  })
  const request = { feature, quantity: 1 as Amount, intent }
  const usage = { used: used as Amount, held: 0 as Amount, subjectIsMember: false, subjectIsHeld: false }
  const crossing = used > 1_000 ? { since: NOW - 2 * DAY_MS } : null
  const items = [{ request, entitlement, usage, crossing }]
  const [verdict] = decideTogether({ catalogue, now: NOW, items }).decisions
  if (verdict === undefined) throw new Error('no verdict')
  return { ...verdict, ...accuracy }
}

/** What Fastify makes of a decision by the schema of the contract. */
async function bySchema(decision: Decision, explain: boolean): Promise<string> {
  const app = Fastify()
  app.get('/', { schema: { response: { 200: schema } } }, async () => presentDecision(decision, explain))
  const { body } = await app.inject('/')
  await app.close()
  return body
}

const decisions = Object.keys(catalogue.features).flatMap((feature) => [
  decisionOf(feature, 0),
  decisionOf(feature, 1_000_000),
  decisionOf(feature, 5, 'read'),
])

test.for([false, true])(
  'decisions are written as the schema of the contract writes them, explained: %s',
  async (explain) => {
    expect(new Set(decisions.map(({ reason }) => reason)).size).toBeGreaterThan(2)
    for (const decision of decisions) {
      const wanted = await bySchema(decision, explain)
      expect(decisionText(decision, explain)).toBe(wanted)
      const standing = { ...accuracy, now: NOW, catalogueRevision: 1 }
      for (let time = 0; time < 2; time += 1) expect(verdictText(decision, standing, explain)).toBe(wanted)
    }
  },
)

test('a verdict that is given again carries the accuracy of now', () => {
  const decision = decisionOf('leads', 3)
  const later = { ...accuracy, asOf: NOW, lagMs: 1_200, exact: false, now: NOW + 1_200, catalogueRevision: 1 }
  const texts = [verdictText(decision, { ...later, ...accuracy }, false), verdictText(decision, later, false)]
  expect(texts.map((text) => JSON.parse(text).lagMs)).toEqual([17, 1_200])
  expect(JSON.parse(texts[1] ?? '')).toMatchObject({ exact: false, asOf: new Date(NOW).toISOString() })
})

test('what a decision without figures does not know is null', () => {
  const unknown = { ...decisionOf('leads', 3), asOf: null, lagMs: null, exact: false, degraded: true }
  expect(JSON.parse(decisionText(unknown, false))).toMatchObject({ asOf: null, lagMs: null, degraded: true })
})
