import { ZERO } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { HOUR_MS, type Instant } from '../instant.ts'
import { decideTogether } from './decide.ts'
import type { Entitlement } from './entitlement.ts'
import type { Crossing } from './facts.ts'

/** What a hold must obey of one feature, as numbers, and until when that is so. */
export interface Admission {
  /** Units; null = nothing to compare with. */
  readonly limit: number | null
  /** The limit binds only from this use on. */
  readonly bindsFrom: number
  /** Denied whatever was used. */
  readonly isDenied: boolean
  /** First instant at which this may be otherwise. */
  readonly until: Instant
}

interface AdmissionInput {
  readonly catalogue: Catalogue
  readonly entitlement: Entitlement
  readonly crossing: Crossing | null
  readonly now: Instant
}

/**
 * What `decide` allows of a feature, put so that a script can compare it with counters.
 *
 * Deciding with the counters that the script then found gives the same answer. A feature in shadow mode and one in
 * grace have no limit here; after its grace a limit binds once use is at its re-arming share (`overLimitOf`).
 */
export function admissionOf({ catalogue, entitlement, crossing, now }: AdmissionInput): Admission {
  const { feature, limit, validUntil } = entitlement
  const free = { limit: null, bindsFrom: 0, isDenied: false, until: validUntil }
  if (feature.mode === 'shadow') return free
  if (!isOpen({ catalogue, entitlement, crossing, now })) return { ...free, isDenied: true }
  if (limit === null) return free
  if (feature.graceHours === 0 || limit === 0) return { ...free, limit }
  if (crossing === null) return free
  const graceEndsAt = crossing.since + feature.graceHours * HOUR_MS
  if (now < graceEndsAt) return { ...free, until: Math.min(validUntil, graceEndsAt) }
  return { ...free, limit, bindsFrom: Math.ceil((limit * feature.rearmBelowPercent) / 100) }
}

/** Whether adding nothing is allowed: plan, access and switches are not against it. */
function isOpen({ catalogue, entitlement, crossing, now }: AdmissionInput): boolean {
  const request = { feature: entitlement.featureKey, quantity: ZERO, intent: 'add' } as const
  const usage = { used: ZERO, held: ZERO, subjectIsMember: false, subjectIsHeld: false }
  return decideTogether({ catalogue, now, items: [{ request, entitlement, usage, crossing }] }).allowed
}
