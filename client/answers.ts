import type { Decision } from './decision.ts'
import type { Hold } from './hold.ts'

/** What came of a wish to use something. */
export interface Admitted<Feature extends string = string> {
  /** Whether anything was admitted: without `partial` all of it. */
  readonly allowed: boolean
  readonly decisions: readonly Decision<Feature>[]
  /** Units admitted of each item. */
  readonly granted: readonly number[]
  /** The same id was answered before. */
  readonly replayed: boolean
  /** Id of the operation: yours, or the one made for the call. */
  readonly id: string
  /**
   * False when nobody could be asked and `onUnavailable` answered: whether it is counted is not known. Call again with
   * the same id once the service answers, then it is counted once.
   */
  readonly known: boolean
}

/** What was consumed. An allowed and known answer means that the events are in the log. */
export interface Consumed<Feature extends string = string> extends Admitted<Feature> {
  /** Events that count it; a check can wait for them (`after`). */
  readonly eventIds: readonly string[]
}

/** What was reserved, and what of it is held. */
export interface Reserved<Feature extends string = string> extends Admitted<Feature>, Hold {}

/** What was counted of a reservation. */
export interface Committed {
  readonly workspace: string
  readonly reservation: string
  readonly quantities: readonly number[]
  readonly eventIds: readonly string[]
  /** The same commit was answered before. */
  readonly replayed: boolean
}

/** A feature with its limit and use. */
export interface Entitlement<Feature extends string = string> {
  readonly feature: Feature
  readonly kind: 'stock' | 'flow' | 'switch'
  /** Switch state, or whether the switch it requires is on. */
  readonly on: boolean
  readonly limit: number | null
  readonly unlimited: boolean
  readonly used: number
  readonly held: number
  readonly remaining: number | null
  readonly window: { readonly from: string; readonly to: string } | null
  readonly resetsAt: string | null
  /** What stays possible once access has lapsed. */
  readonly mode: string
  /** What set the limit. */
  readonly source: 'plan' | 'override' | 'none'
  readonly planVersion: string | null
}

/** Every feature of the catalogue, as it is for one workspace. */
export interface Entitlements<Feature extends string = string> {
  readonly workspace: string
  readonly plan: string | null
  readonly status: string
  readonly access: string
  readonly asOf: string | null
  readonly lagMs: number | null
  readonly exact: boolean
  readonly entitlements: readonly Entitlement<Feature>[]
}
