import { isAmount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { meterAt } from '../catalogue/meter.ts'
import { dayOf, type Instant, isDatable } from '../instant.ts'
import { type CounterChange, type Measured, OWN_SOURCE, refuse, type UsageEvent } from './usage-event.ts'

/** The most members one snapshot event may state for one meter. */
const MEMBERS_MAX = 10_000

/** The meter definitions in force at an instant. */
export interface DefinitionsAt {
  readonly catalogue: Catalogue
  readonly at: Instant
}

/** A `UsageSnapshotEvent`: the product's own absolute counts replace ours for the meters it names. */
export function measureSnapshot(event: UsageEvent, definitions: DefinitionsAt): Measured {
  const changes: CounterChange[] = []
  for (const [meter, units] of Object.entries(Object(event['levels']))) {
    const fault = faultOfAggregation({ ...definitions, meter, aggregation: 'level' })
    if (fault !== null) return fault
    if (!isAmount(units))
      return refuse('quantity_out_of_range', `levels.${meter} must be a whole number from 0`)
    changes.push({ kind: 'set', meter, units, isStated: true })
  }
  for (const [meter, members] of Object.entries(Object(event['members']))) {
    const fault = faultOfAggregation({ ...definitions, meter, aggregation: 'distinct' })
    if (fault !== null) return fault
    const subjects = subjectsOf(members)
    if (subjects === null)
      return refuse('invalid_field', `members.${meter} must be ≤ ${MEMBERS_MAX} named subjects`)
    changes.push({ kind: 'members', meter, subjects, isStated: true })
  }
  return { ok: true, changes }
}

/** The subjects of a list, each once however often it is named; null where it is none. */
function subjectsOf(members: unknown): readonly string[] | null {
  if (!Array.isArray(members) || members.length > MEMBERS_MAX) return null
  const subjects = members.map((member: { subject?: unknown }) => member.subject)
  const named = subjects.filter(
    (subject) => typeof subject === 'string' && /^[+A-Za-z0-9._:-]{1,128}$/.test(subject),
  )
  return named.length === subjects.length ? [...new Set(named.map(String))] : null
}

/** A `WindowStartedEvent`: ours alone; splits the day its window starts in. */
export function measureWindowStart(event: UsageEvent, definitions: DefinitionsAt): Measured {
  if (event.source !== OWN_SOURCE) return refuse('invalid_field', `only ${OWN_SOURCE} may start a window`)
  const startsAt = event['startsAt']
  const meters = event['meters']
  if (typeof startsAt !== 'number' || !isDatable(startsAt) || !Array.isArray(meters))
    return refuse('invalid_field', 'startsAt and meters are needed')
  const changes: CounterChange[] = []
  for (const meter of meters.map(String)) {
    const fault = faultOfAggregation({ ...definitions, meter, aggregation: 'sum' })
    if (fault !== null) return fault
    changes.push({ kind: 'split', meter, day: dayOf(startsAt), startsAt })
  }
  return { ok: true, changes }
}

interface AggregationQuestion extends DefinitionsAt {
  readonly meter: string
  readonly aggregation: 'level' | 'sum' | 'distinct'
}

function faultOfAggregation({ catalogue, meter, at, aggregation }: AggregationQuestion): Measured | null {
  const definition = meterAt(catalogue, meter, at)
  if (definition === null)
    return refuse('unknown_meter', `the catalogue has no meter "${meter}" at that time`)
  if (definition.aggregation === aggregation) return null
  return refuse(
    'invalid_field',
    `${meter} is a ${definition.aggregation} meter; this needs a ${aggregation} meter`,
  )
}
