import { expect, test } from 'vitest'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import type { Amount } from '../amount.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { CounterReading } from '../ports.ts'
import { reachedAt, type UnjudgedChange } from './reached-at.ts'

const catalogue = defaultCatalogue()
const entitlement = { feature: catalogue.features['leads'] } as unknown as Entitlement

/** Leads as they are now, and what changed, in order: use and how many leads there were before it, or facts. */
function dated(leads: number, changes: readonly UnjudgedChange[]): number | null {
  const reading = { fields: { leads: String(leads) }, sizes: {}, unjudged: { kept: '', changes } }
  const situation = { entitlement, reading: reading as unknown as CounterReading, catalogue }
  return reachedAt(situation, (used: Amount) => used >= 100)
}

function use(at: number, leads: number | null): UnjudgedChange {
  return { of: 'use', at, before: leads === null ? null : { leads: String(leads) } }
}

function facts(at: number): UnjudgedChange {
  return { of: 'facts', at, before: null }
}

test.for([
  ['nothing is known', [], null],
  ['one call', [use(50, null)], 50],
  ['the call that crossed, not history before it', [use(10, null), use(50, 60)], 50],
  ['the call that crossed, not history after it', [use(50, null), use(10, 100)], 50],
  ['history that crossed, not use before it', [use(50, null), use(10, 60)], 10],
  ['history that crossed, not use after it', [use(10, null), use(50, 100)], 10],
  ['the last of two crossings', [use(10, null), use(20, 120), use(30, 99), use(40, 130)], 30],
  ['facts', [facts(30)], 30],
  ['facts, as all was used before them', [use(20, 110), facts(30)], 30],
  ['facts that were in force before the use', [facts(30), use(50, 60)], 50],
  ['the later of use and facts after it', [use(50, 60), facts(30)], 50],
  [
    'the later of use and of facts after it, which may have lowered the limit',
    [use(20, null), facts(30)],
    30,
  ],
  ['the latest of several facts', [facts(30), use(10, 100), facts(20)], 30],
  ['the latest of several facts, in whatever order', [facts(20), use(10, 100), facts(30)], 30],
  ['nothing of what is known', [use(20, 110), use(50, 120)], null],
] as const)('L1: use that is reached is dated by %s', ([, changes, at]) => {
  expect(dated(150, changes)).toBe(at)
})
