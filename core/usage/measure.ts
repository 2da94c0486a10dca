import { QUANTITY_MAX } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { type MeterDefinition, meterAt } from '../catalogue/meter.ts'
import { dayOf, type Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { type DefinitionsAt, measureSnapshot, measureWindowStart } from './measure-control.ts'
import { type CounterChange, isProducerId, type Measured, refuse, type UsageEvent } from './usage-event.ts'

/** The meters of a catalogue, by the record that they count. */
export type MeterIndex = ReadonlyMap<string, readonly string[]>

/** Which meters a record may count for, so that measuring looks at no others. */
export function indexMeters(catalogue: Catalogue): MeterIndex {
  const index = new Map<string, string[]>()
  for (const [meter, definitions] of Object.entries(catalogue.meters)) {
    for (const record of new Set(definitions.map((definition) => definition.record))) {
      index.set(record, [...(index.get(record) ?? []), meter])
    }
  }
  return index
}

/** What measuring needs to know: the catalogue and its index. */
export interface MeasureContext {
  readonly catalogue: Catalogue
  readonly index: MeterIndex
}

/**
 * What an event means for the counters of its workspace.
 *
 * Pure: reads the meter definitions in force at `occurredAt` (or at `appendedAt`, if that is earlier: what an event of
 * the next minutes is measured by is announced by then, see `METER_NOTICE_MS`), never a plan, a subscription or a clock. An
 * event that several meters count (an agent's state) changes all of them; one that breaks a rule changes none.
 */
export function measure(
  record: string,
  event: UsageEvent,
  context: MeasureContext,
  appendedAt: Instant,
): Measured {
  const { catalogue } = context
  const at = Math.min(event.occurredAt, appendedAt)
  if (record === 'MeterEvent') return measureMeterEvent(event, { catalogue, at })
  if (record === 'UsageSnapshotEvent') return measureSnapshot(event, { catalogue, at })
  if (record === 'WindowStartedEvent') return measureWindowStart(event, { catalogue, at })
  let all: Measured = NOTHING
  for (const meter of context.index.get(record) ?? []) {
    const definition = meterAt(catalogue, meter, at)
    if (definition === null || definition.record !== record) continue
    const measured = measureBy(meter, definition, event)
    if (!measured.ok) return measured
    all = all.changes.length === 0 ? measured : { ok: true, changes: [...all.changes, ...measured.changes] }
  }
  return all
}

const NOTHING = { ok: true, changes: [] } as const

function measureBy(meter: string, definition: MeterDefinition, event: UsageEvent): Measured {
  const unknown = unknownField(definition, event)
  if (unknown !== undefined)
    return refuse('invalid_field', `${unknown} has a value this version does not know`)
  if (!matches(definition.when, event)) return { ok: true, changes: [] }
  switch (definition.aggregation) {
    case 'level':
      return measureLevel(meter, definition, event)
    case 'sum':
      return measureSum(meter, definition, event)
    case 'distinct':
      return measureDistinct(meter, definition, event)
  }
}

function unknownField({ field, when }: MeterDefinition, event: UsageEvent): string | undefined {
  if (field !== undefined && event[field] === 'UNKNOWN') return field
  return when === undefined ? undefined : Object.keys(when).find((name) => event[name] === 'UNKNOWN')
}

function matches(when: MeterDefinition['when'], event: UsageEvent): boolean {
  if (when === undefined) return true
  return Object.entries(when).every(([field, values]) => values.includes(String(event[field])))
}

function measureLevel(meter: string, definition: MeterDefinition, event: UsageEvent): Measured {
  const sign = definition.field === undefined ? 1 : ownValue(definition.sign, String(event[definition.field]))
  if (sign === undefined) return { ok: true, changes: [] }
  const quantity = event[definition.quantity ?? 'quantity'] ?? 1
  const fault = faultOfQuantity(quantity)
  return fault ?? { ok: true, changes: [{ kind: 'add', meter, units: sign * Number(quantity) }] }
}

function measureSum(meter: string, definition: MeterDefinition, event: UsageEvent): Measured {
  const given = event[definition.quantity ?? 'quantity'] ?? null
  const units = given ?? weightOf(definition, event)
  if (units === null) {
    const name = String(event['function'] ?? '')
    return refuse(
      'unknown_function',
      `${meter} has no weight for the function "${name}"; send its units or add a weight`,
    )
  }
  const fault = faultOfQuantity(units)
  if (fault !== null) return fault
  return { ok: true, changes: [flow(meter, Number(units), event.occurredAt)] }
}

/** Units of one call of the event's function, 1 where the meter has no weights, null for an unknown function. */
function weightOf(definition: MeterDefinition, event: UsageEvent): number | null {
  if (definition.weights === undefined) return 1
  return ownValue(definition.weights, String(event['function'])) ?? null
}

function measureDistinct(meter: string, definition: MeterDefinition, event: UsageEvent): Measured {
  const subject = event[definition.subject ?? 'subject']
  if (!isProducerId(subject) && !isPhoneNumber(subject)) {
    return refuse('invalid_field', `${definition.subject ?? 'subject'} must be 1–128 of +A-Za-z0-9._:-`)
  }
  const value = String(event[definition.field ?? 'action'])
  if (definition.join?.includes(value)) return { ok: true, changes: [{ kind: 'join', meter, subject }] }
  if (definition.leave?.includes(value)) return { ok: true, changes: [{ kind: 'leave', meter, subject }] }
  return { ok: true, changes: [] }
}

/** An E.164 number with its leading plus. */
function isPhoneNumber(value: unknown): value is string {
  return typeof value === 'string' && /^\+[0-9]{1,20}$/.test(value)
}

function measureMeterEvent(event: UsageEvent, { catalogue, at }: DefinitionsAt): Measured {
  const meter = String(event['meter'])
  const definition = meterAt(catalogue, meter, at)
  if (definition === null)
    return refuse('unknown_meter', `the catalogue has no meter "${meter}" at that time`)
  const fault = faultOfQuantity(event['quantity'])
  if (fault !== null) return fault
  const action = String(event['action'])
  if (action === 'UNKNOWN') return refuse('invalid_field', 'action must be add, remove or set')
  const units = Number(event['quantity'])
  switch (definition.aggregation) {
    case 'level':
      if (action === 'set') return { ok: true, changes: [{ kind: 'set', meter, units }] }
      return { ok: true, changes: [{ kind: 'add', meter, units: action === 'remove' ? -units : units }] }
    case 'sum':
      if (action !== 'add')
        return refuse('invalid_field', `${meter} sums what was used; its only action is add`)
      return { ok: true, changes: [flow(meter, units, event.occurredAt)] }
    case 'distinct':
      return measureMember(meter, action, event)
  }
}

function measureMember(meter: string, action: string, event: UsageEvent): Measured {
  const subject = event['subject']
  if (!isProducerId(subject) && !isPhoneNumber(subject)) {
    return refuse('invalid_field', `${meter} counts distinct resources; subject must name one`)
  }
  if (action === 'set')
    return refuse('invalid_field', `${meter} has members; replace them by a UsageSnapshotEvent`)
  return { ok: true, changes: [{ kind: action === 'remove' ? 'leave' : 'join', meter, subject }] }
}

function flow(meter: string, units: number, occurredAt: Instant): CounterChange {
  return { kind: 'flow', meter, day: dayOf(occurredAt), units, occurredAt }
}

/** Refuses what is not a whole number of 0 … 10^9 units; null when fine. */
function faultOfQuantity(value: unknown): Measured | null {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > QUANTITY_MAX) {
    return refuse(
      'quantity_out_of_range',
      `quantity ${String(value)} must be a whole number of 0 … ${QUANTITY_MAX}`,
    )
  }
  return null
}
