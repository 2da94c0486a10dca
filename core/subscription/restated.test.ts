import { describe, expect, test } from 'vitest'
import { defaultCatalogue, END, START } from '../../test/helpers/facts.ts'
import { type Change, versionsAfter } from '../../test/helpers/versions.ts'
import { DAY_MS } from '../instant.ts'
import { accessEndOf } from './access.ts'
import { foldVersions } from './fold.ts'
import type { AcceptedSubscription } from './subscription.ts'

/** Every version states all that is in force; what it merely repeats changes nothing. */
const rules = defaultCatalogue()

/** What is in force after a purchase of base and some changes, a day apart unless they say when. */
function accepted(...changes: readonly Change[]): AcceptedSubscription {
  const { subscription } = foldVersions(versionsAfter(...changes), rules).state
  if (subscription === null) throw new Error('nothing was accepted')
  return subscription
}

describe('canceled', () => {
  const CANCEL: Change = { type: 'refunded', actor: 'support', is: { status: 'canceled' } }

  test('S9: a version that restates a cancel does not move the end to its own time', () => {
    expect(accessEndOf(accepted(CANCEL), rules)).toBe(START + DAY_MS)
    const restated: Change = { type: 'corrected', occurredAt: END - 1 }
    expect(accessEndOf(accepted(CANCEL, restated, restated), rules)).toBe(START + DAY_MS)
  })
  test('S9: bought anew and canceled again, it ends with the second cancel', () => {
    const bought: Change = { type: 'purchased', is: { status: 'active' } }
    expect(accessEndOf(accepted(CANCEL, bought, CANCEL), rules)).toBe(START + 3 * DAY_MS)
  })
})
