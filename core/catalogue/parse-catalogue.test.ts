import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
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

test('all problems are told at once, each with its path', () => {
  const problems = problemsOf({
    'trial.plan': 'gone',
    'meters.leads.0.aggregation': 'median',
    'features.ai_credits.meters': ['unicorns'],
    'features.ai_agents.requires': 'leads',
    'plans.base.versions.1.limits.leads': { perSeat: -1 },
    'plans.pro.versions.0.limits.spaceships': { base: 1 },
    'addOns.ai_credits_5000.feature': 'gone',
    colour: 'red',
  })
  for (const path of [
    'trial.plan',
    'meters.leads[0].aggregation',
    'features.ai_credits.meters[0]',
    'features.ai_agents.requires',
    'plans.base.versions[1].limits.leads.perSeat',
    'plans.pro.versions[0].limits.spaceships',
    'addOns.ai_credits_5000.feature',
    'colour',
  ]) {
    expect(problems).toContain(path)
  }
})

test('a first plan version that leaves a feature without a limit is a gap', () => {
  expect(problemsOf({ 'plans.base.versions.0.limits.leads': undefined })).toEqual(['plans.base.versions[0]'])
})

test.for([null, [], 'x', 5])('%o is no catalogue', (value) => {
  expect(parseCatalogue(value, 1).ok).toBe(false)
})
