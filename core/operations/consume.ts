import type { Decision } from '../entitlement/decision.ts'
import type { UsageSink } from '../ports.ts'
import { PRODUCE_AGAIN_MS } from '../usage/hold.ts'
import { ownUsage } from '../usage/own-usage.ts'
import { itemEventId } from '../usage/reservation.ts'
import { type AdmitDeps, type AdmitInput, admitUnits } from './admit-units.ts'

/** What consuming needs. */
export interface ConsumeDeps extends AdmitDeps {
  readonly sink: UsageSink
}

/** What to consume. */
export type ConsumeInput = Omit<AdmitInput, 'state' | 'dueMs'>

/** What was consumed. */
export interface Consumed {
  readonly allowed: boolean
  readonly decisions: readonly Decision[]
  readonly granted: readonly number[]
  /** Ids of the events that count it. */
  readonly eventIds: readonly string[]
  readonly replayed: boolean
}

/**
 * Checks and counts: held, then written to the log, then answered.
 *
 * An allowed answer means that the events are in the log and will be counted once. Throws what `admitUnits` does,
 * and `unknown` when the log did not acknowledge them: the hold stays, and the same call again writes the same
 * events again (counting.md, "hold, settle, sweep"). Throws `unavailable`, and holds nothing, while the log takes
 * nothing.
 */
export async function consume(deps: ConsumeDeps, input: ConsumeInput): Promise<Consumed> {
  deps.sink.requireReachable()
  const admitted = await admitUnits(deps, { ...input, state: 'committing', dueMs: PRODUCE_AGAIN_MS })
  const { allowed, granted, replayed } = admitted
  if (!allowed) return { allowed, granted, replayed, decisions: admitted.decisions, eventIds: [] }
  const [decisions] = await Promise.all([
    admitted.kept().catch(() => admitted.decisions),
    deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))),
  ])
  return { allowed, granted, replayed, decisions, eventIds: eventIdsOf(input.operation, granted) }
}

/** Ids of the events of the items of which something was granted. */
export function eventIdsOf(operation: string, granted: readonly number[]): readonly string[] {
  return granted.flatMap((units, item) => (units > 0 ? [itemEventId({ operation, item })] : []))
}
