import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RESERVED_FIELDS } from '../usage/counter-fields.ts'
import { parseCatalogue } from './parse-catalogue.ts'

/** The default catalogue with the values at some paths replaced; undefined takes a property away. */
function source(changes: Readonly<Record<string, unknown>> = {}): unknown {
  const catalogue: object = JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
  for (const [path, value] of Object.entries(changes)) {
    const names = path.split('.')
    const parent = names.slice(0, -1).reduce<object>((node, name) => Reflect.get(node, name), catalogue)
    if (value === undefined) Reflect.deleteProperty(parent, names.at(-1) ?? '')
    else Reflect.set(parent, names.at(-1) ?? '', value)
  }
  return catalogue
}

function problemsOf(changes: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = parseCatalogue(source(changes), 1)
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path)
}

test('the default catalogue has no problem', () => {
  expect(parseCatalogue(source(), 3)).toMatchObject({ ok: true, catalogue: { revision: 3 } })
})

test('a catalogue that is broken in six places: exactly these six, each with its path', () => {
  const problems = problemsOf({
    processingWindowMinutes: -1,
    'meters.leads.0.aggregation': 'median',
    'features.ai_agents.requires': 'leads',
    'plans.base.versions.1.limits.leads': { perSeat: 0.5, reach: 'all' },
    'addOns.ai_credits_5000.feature': 'gone',
    'payments.1.methods': ['cheque'],
  })
  expect([...problems].sort()).toEqual([
    'addOns.ai_credits_5000.feature',
    'features.ai_agents.requires',
    'meters.leads[0].aggregation',
    'payments[1].methods',
    'plans.base.versions[1].limits.leads.perSeat',
    'processingWindowMinutes',
  ])
})

test.for([
  ['an unknown property', { colour: 'red' }, 'colour', 'spelling'],
  ['a mistyped one inside', { 'features.leads.graceHour': 1 }, 'features.leads.graceHour', 'spelling'],
  [
    'one deep inside',
    { 'plans.base.versions.1.limits.leads.perSaet': 1 },
    'plans.base.versions[1].limits.leads.perSaet',
    'spelling',
  ],
  [
    'a feature without a meter',
    { 'features.ai_credits.meters': [] },
    'features.ai_credits.meters',
    'at least one',
  ],
  [
    'a switch that needs another one',
    { 'features.priority_support.requires': 'salesbot' },
    'features.priority_support.requires',
    'leave it out',
  ],
  [
    'an unknown meter',
    { 'features.ai_credits.meters': ['ai_credits', 'unicorns'] },
    'features.ai_credits.meters[1]',
    '"unicorns"',
  ],
  [
    'a limit without a feature',
    { 'plans.pro.versions.0.limits.ships': { base: 1 } },
    'plans.pro.versions[0].limits.ships',
    '"ships"',
  ],
  [
    'a limit of a switch',
    { 'plans.pro.versions.0.limits.salesbot': { base: 1 } },
    'plans.pro.versions[0].limits.salesbot',
    'on or off',
  ],
  ['an unknown plan in the trial', { 'trial.plan': 'gone' }, 'trial.plan', '"gone"'],
  ['two plans of one rank', { 'plans.pro.rank': 2 }, 'plans.pro.rank', 'advanced'],
  [
    'versions out of order',
    { 'plans.base.versions.1.version': '2019-01-01' },
    'plans.base.versions[1].version',
    'later',
  ],
  [
    'a day that does not exist',
    { 'meters.leads.0.from': '2020-02-30' },
    'meters.leads[0].from',
    'yyyy-mm-dd',
  ],
  [
    'a price that is no whole number',
    { 'addOns.ai_credits_5000.prices.USD': 9.99 },
    'addOns.ai_credits_5000.prices.USD',
    'minor units',
  ],
  [
    'a currency that is none',
    { 'plans.pro.versions.1.prices.dollars': 1 },
    'plans.pro.versions[1].prices.dollars',
    'ISO 4217',
  ],
  [
    'prices without a currency',
    { 'plans.pro.versions.1.prices': 4500 },
    'plans.pro.versions[1].prices',
    'by currency',
  ],
  [
    'an hour that does not exist',
    { 'meters.leads.0.from': '2020-02-28T25:00:00Z' },
    'meters.leads[0].from',
    'yyyy-mm-dd',
  ],
  [
    'a switch that is on and off',
    { 'plans.pro.versions.0.off': ['salesbot'], 'plans.pro.versions.0.on': ['salesbot'] },
    'plans.pro.versions[0].off',
    '"salesbot"',
  ],
  [
    'a meter of two features',
    { 'features.ai_agents_total.meters': ['ai_agents'] },
    'features.ai_agents_total.meters[0]',
    'ai_agents already',
  ],
  ['a term that is there twice', { 'terms.1.months': 6 }, 'terms[1].months', '6 months already'],
  ['an actor that is none', { 'payments.0.actors': ['suport'] }, 'payments[0].actors', '"suport"'],
  ['a currency in small letters', { 'payments.0.currency': 'usd' }, 'payments[0].currency', 'capitals'],
  [
    'a time in another zone',
    { 'meters.leads.0.from': '2020-02-28T01:00:00+01:00' },
    'meters.leads[0].from',
    'yyyy-mm-dd',
  ],
] as const)('%s is named', ([, changes, path, words]) => {
  const parsed = parseCatalogue(source(changes), 1)
  const problems = parsed.ok ? [] : parsed.problems.filter((one) => one.path === path)
  expect(problems.map(({ problem }) => problem).join()).toContain(words)
})

test.for(RESERVED_FIELDS)(
  'a level meter called %s is refused: its level would overwrite what stands there',
  (name) => {
    const problemsWith = (definition: object): unknown => {
      const { meters, features } = source() as Record<string, Record<string, object>>
      const catalogue = {
        ...(source() as object),
        meters: { ...meters, leads: undefined, [name]: [{ from: '2020-01-01', ...definition }] },
        features: { ...features, leads: { ...features?.['leads'], meters: [name] } },
      }
      Reflect.deleteProperty(catalogue.meters, 'leads')
      const parsed = parseCatalogue(catalogue, 1)
      return parsed.ok ? [] : parsed.problems
    }
    const level = { record: 'LeadEvent', aggregation: 'level', field: 'action', sign: { created: 1 } }
    expect(problemsWith(level)).toEqual([
      { path: `meters.${name}`, problem: expect.stringContaining('cannot be called rev or z') },
    ])
    expect(problemsWith({ record: 'LeadEvent', aggregation: 'distinct', field: 'action' })).toEqual([])
  },
)

test('no meter is called h: what it used on a day would read as held, and be left out of snapshots', () => {
  const { meters } = source() as Record<string, Record<string, object>>
  const parsed = parseCatalogue(
    { ...(source() as object), meters: { ...meters, h: meters?.['ai_credits'] } },
    1,
  )
  expect(parsed.ok ? [] : parsed.problems).toContainEqual({
    path: 'meters.h',
    problem: expect.stringContaining('cannot be called h'),
  })
})

test('a first plan version that leaves a feature without a limit is a gap', () => {
  expect(problemsOf({ 'plans.base.versions.0.limits.leads': undefined })).toEqual(['plans.base.versions[0]'])
})

test.for([null, [], 'x', 5])('%o is no catalogue', (value) => {
  expect(parseCatalogue(value, 1).ok).toBe(false)
})

test('what is ours and printed nowhere is marked as assumed: thresholds, switches of plans, prices', () => {
  const catalogue: Readonly<Record<string, unknown>> = Object(source({}))
  const marked = (of: object): readonly string[] => [Reflect.get(of, 'assumed') ?? []].flat()
  const features = Object.entries<Record<string, unknown>>(Object(catalogue['features']))
  const unmarked = features
    .filter(([, feature]) => [feature['thresholds'] ?? []].flat().includes(80))
    .filter(([, feature]) => !marked(feature).includes('thresholds'))
  expect(unmarked).toEqual([])
  const plans = Object.values<{ readonly versions: readonly Record<string, object>[] }>(
    Object(catalogue['plans']),
  )
  for (const version of plans.flatMap(({ versions }) => versions)) {
    for (const list of ['on', 'off']) if (list in version) expect(marked(version)).toContain(list)
    if (version['prices'] !== undefined) expect(version['prices']).toHaveProperty('assumed', true)
  }
})

test.for(['assumed', 'trial.assumed', 'plans.base.assumed', 'terms.0.assumed', 'payments.0.assumed'])(
  '%s may stand there and means nothing',
  (path) => {
    expect(problemsOf({ [path]: true })).toEqual([])
  },
)

test('a source of any size is refused soon, with some hundred problems at most', () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 0]))
  expect(problemsOf({ meters: many, features: many })).toEqual(expect.arrayContaining(['meters', 'features']))
  const faulty = Array.from({ length: 900 }, () => 0)
  expect(problemsOf({ 'meters.leads': faulty, 'meters.contacts': faulty }).length).toBeLessThanOrEqual(400)
})

test('thresholds as text are read as numbers: history is judged by catalogues that have such', () => {
  expect(problemsOf({ 'features.leads.thresholds': ['80', '100'] })).toEqual([])
})

test.for([
  [['eighty']],
  [[true]],
  [[[80]]],
  [[null]],
  [[{ toString: 1, valueOf: 1 }]],
  [[80, 80]],
  [[0]],
  [[80.5]],
])('thresholds of %j are refused: they are rising whole numbers', ([thresholds]) => {
  expect(problemsOf({ 'features.leads.thresholds': thresholds })).toEqual(['features.leads.thresholds'])
})

test.for([
  ['processingWindowMinutes', 43_201],
  ['trial.days', 3_661],
  ['features.leads.graceHours', 87_601],
  ['addOns.ai_credits_5000.minMonths', 1_201],
] as const)('%s: what no date can be reckoned with is refused', ([path, value]) => {
  expect(problemsOf({ [path]: value })).toEqual([path])
  expect(problemsOf({ [path]: value - 1 })).toEqual([])
})
