import type { RecordToWrite } from '#drivers/kafka/record-writer.ts'
import { offsetOf, type SendStep, type SubscribeStep, timed } from './story.ts'

/** The header by which imported history states when it was first taken in. */
const APPEND_TIME = 'tallygate-append-time'

/** A workspace of a story, as far as it was told. */
export interface Told {
  readonly workspace: string
  /** What the times of the story are relative to, ms. */
  readonly start: number
  version: number
  subscription: Record<string, unknown>
  events: number
}

/** The usage that a step sends. */
export function usageRecords(told: Told, step: SendStep): readonly RecordToWrite[] {
  const { send: record, at = 'now', every = 'now', times = 1, fields } = step
  const { workspace, start } = told
  const named = Object.keys(fields).some((name) => ['number', 'account', 'agentId'].includes(name))
  return Array.from({ length: times }, (_, index) => {
    const occurredAt = timeOf(at, start) + index * (offsetOf(`+${every}`) ?? 0)
    told.events += 1
    const id = `e${told.events}`
    const subject = named || record === 'AiCallEvent' ? {} : { [subjectField(record)]: `${id}-1` }
    const value = { id, workspace, occurredAt, source: 'demo', ...subject, ...Object(timed(fields, start)) }
    return { record, value, ...importHeader(occurredAt) }
  })
}

/** The next version of the subscription, as a step changes it. */
export function versionRecord(told: Told, step: SubscribeStep): RecordToWrite {
  const { workspace, start } = told
  told.version += 1
  const occurredAt = timeOf(step.at ?? 'now', start)
  told.subscription = { ...told.subscription, ...Object(timed(step.subscription, start)) }
  told.subscription['anchorDay'] ??= anchorDayOf(told.subscription)
  const value = {
    id: `v${told.version}`,
    workspace,
    version: told.version,
    occurredAt,
    type: step.subscribe,
    actor: 'customer',
    subscription: { ...DEFAULTS, ...told.subscription },
    order: step.order === undefined ? null : timed(step.order, start),
  }
  return { record: 'SubscriptionEvent', value, ...importHeader(occurredAt) }
}

const DEFAULTS = {
  subscriptionId: 's1',
  autoRenew: true,
  cancelAtPeriodEnd: false,
  country: 'US',
  currency: 'USD',
  paymentMethod: 'card',
  addOns: [],
}

function subjectField(record: string): string {
  const noun = record.replace('Event', '')
  return `${noun.charAt(0).toLowerCase()}${noun.slice(1)}Id`
}

function anchorDayOf({ periodEnd }: Record<string, unknown>): number {
  return new Date(Number(periodEnd)).getUTCDate()
}

function importHeader(occurredAt: number): { readonly headers?: Record<string, string> } {
  const isHistory = occurredAt < Date.now() - 60_000
  return isHistory ? { headers: { [APPEND_TIME]: String(occurredAt) } } : {}
}

function timeOf(text: string, start: number): number {
  const offset = offsetOf(text)
  if (offset === null) throw new Error(`"${text}" is not a relative time`)
  return text === 'now' ? Date.now() : start + offset
}
