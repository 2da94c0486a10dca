import { type Amount, isAmount } from '../amount.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { meterAt } from '../catalogue/meter.ts'
import type { Request } from '../entitlement/decision.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import { ownValue } from '../own-value.ts'
import { aggregationOf } from '../usage/feature-reading.ts'
import type { OperationName } from '../usage/hold.ts'
import { indexMeters, type MeasureContext } from '../usage/measure.ts'
import { ownUsage } from '../usage/own-usage.ts'
import { recordUsage } from '../usage/record-usage.ts'
import { requireFeature, requireFits } from './check.ts'

/** One thing to be used, as the caller names it. */
export interface WantedItem {
  readonly feature: string
  readonly quantity: number
  readonly meter?: string | undefined
  readonly subject?: string | undefined
  /** Its weight replaces the quantity. */
  readonly function?: string | undefined
}

/** The same, resolved: one meter, so many units of it. */
export interface PlannedItem {
  readonly feature: string
  readonly meter: string
  readonly quantity: Amount
  readonly subject: string | null
}

const contexts = new WeakMap<Catalogue, MeasureContext>()

/**
 * Which meter each item counts on and how much, and that its event will be taken.
 *
 * Runs what the consumers run on each event, so that what is produced later is never set aside. Throws
 * `unknown_feature`, and `invalid_request` naming the item.
 */
export function planItems(
  catalogue: Catalogue,
  operation: OperationName & { readonly occurredAt: Instant },
  items: readonly WantedItem[],
): readonly PlannedItem[] {
  return items.map((wanted, item) => {
    const planned = planItem(catalogue, wanted, { item, at: operation.occurredAt })
    const { meter, quantity, subject } = planned
    const event = ownUsage(operation, { item, meter, quantity, subject, occurredAt: operation.occurredAt })
    const usage = { record: 'MeterEvent', event, key: operation.workspace, appendTimeHeader: null }
    const recorded = recordUsage({ ...usage, kafkaTime: operation.occurredAt }, contextOf(catalogue))
    if (!recorded.ok) throw refusal(item, recorded.reason)
    return planned
  })
}

/** An item as a request to decide. */
export function requestOf({ feature, meter, quantity, subject }: PlannedItem): Request {
  return { feature, meter, quantity, intent: 'add', ...(subject === null ? {} : { subject }) }
}

function planItem(
  catalogue: Catalogue,
  wanted: WantedItem,
  { item, at }: { readonly item: number; readonly at: Instant },
): PlannedItem {
  const { feature: featureKey, subject } = wanted
  const feature = requireFeature(catalogue, featureKey)
  const meter = wanted.meter ?? (feature.meters.length === 1 ? feature.meters[0] : undefined)
  if (feature.kind === 'switch')
    throw refusal(item, `${featureKey} is a switch, nothing of it is used up; check it instead`)
  if (meter === undefined)
    throw refusal(item, `${featureKey} has the meters ${feature.meters.join(', ')}; name one`)
  const quantity = quantityOf(catalogue, { ...wanted, meter }, { item, at })
  const request = { feature: featureKey, meter, quantity, intent: 'add' } as const
  requireFits(catalogue, request)
  if (aggregationOf(catalogue, meter) !== 'distinct') {
    if (subject !== undefined)
      throw refusal(item, `${meter} does not count distinct resources; leave subject out`)
    return { feature: featureKey, meter, quantity, subject: null }
  }
  if (subject === undefined) throw refusal(item, `${meter} counts distinct resources; name the subject`)
  if (quantity !== 1)
    throw refusal(item, `${meter} counts distinct resources; each is one item of quantity 1`)
  return { feature: featureKey, meter, quantity, subject }
}

function quantityOf(
  catalogue: Catalogue,
  { quantity, function: name, meter }: WantedItem & { readonly meter: string },
  { item, at }: { readonly item: number; readonly at: Instant },
): Amount {
  const weights = meterAt(catalogue, meter, at)?.weights
  const units = name === undefined ? quantity : ownValue(weights, name)
  if (isAmount(units)) return units
  const known = Object.keys(weights ?? {}).join(', ')
  throw refusal(item, `${meter} has no weight for the function "${name ?? ''}"; it knows ${known || 'none'}`)
}

function contextOf(catalogue: Catalogue): MeasureContext {
  const known = contexts.get(catalogue)
  if (known !== undefined) return known
  const context = { catalogue, index: indexMeters(catalogue) }
  contexts.set(catalogue, context)
  return context
}

function refusal(item: number, why: string): TallygateError {
  return new TallygateError('invalid_request', `items.${item}: ${why}`, { field: `items.${item}` })
}
