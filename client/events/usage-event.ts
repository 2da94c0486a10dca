import { TallygateClientError } from '../client-error.ts'
import { newId } from '../new-id.ts'
import type { RecordFields, RecordName } from './records.gen.ts'

/**
 * An event that is ready to be sent, any number of times: its id and its time are fixed, so all copies count once (within
 * 72 hours). Plain data: it can be stored as JSON, in an outbox for instance, and sent later.
 */
export interface UsageEvent<Name extends RecordName = RecordName> {
  readonly record: Name
  readonly id: string
  readonly workspace: string
  /** Epoch milliseconds. */
  readonly occurredAt: number
  readonly source: string
  readonly reservation: string | null
  readonly fields: RecordFields[Name]
}

/** What a product says of a use; the emitter adds the rest. */
export type UsageWish<Name extends RecordName> = RecordFields[Name] & {
  readonly workspace: string
  /**
   * 1–128 of `A-Za-z0-9._:-`, unique for (workspace, source). Made when left out: name your own (of the row, the message)
   * when the same use may be reported again after a crash.
   */
  readonly id?: string | undefined
  /** When it happened, a Date or epoch milliseconds; now when left out. */
  readonly occurredAt?: Date | number | undefined
  /** The use settles that reservation's hold; then don't commit it too. */
  readonly reservation?: string | null | undefined
}

const OWN_SOURCE = 'tallygate'
const QUANTITY_MAX = 1_000_000_000
/** 2^53 − 2: the largest count that every part keeps exact. */
const LEVEL_MAX = Number.MAX_SAFE_INTEGER - 1
const MEMBERS_MAX = 10_000
/** The first instant that no date of four digits names. */
const YEAR_10000 = 253_402_300_800_000
const WORKSPACE_ID = /^[A-Za-z0-9._:-]{1,64}$/
const EVENT_ID = /^[A-Za-z0-9._:-]{1,128}$/
const SUBJECT = /^([A-Za-z0-9._:-]{1,128}|\+[0-9]{1,20})$/

/**
 * Fixes an event. Throws `invalid_request`, naming the field, for what the consumers would set aside whatever the
 * catalogue says. What it does say is theirs to judge: whether it has the meter, and what is too late.
 */
export function usageEventOf<Name extends RecordName>(
  record: Name,
  source: string,
  wish: UsageWish<Name>,
): UsageEvent<Name> {
  const { workspace, id = newId(), occurredAt = Date.now(), reservation = null, ...rest } = wish
  const envelope = { record, id, workspace, occurredAt: Number(occurredAt), source, reservation }
  const fault =
    faultOfEnvelope(envelope) ?? faultOfUnits(rest) ?? faultOfSubjects(rest) ?? faultOfCounts(rest)
  if (fault === null) return { ...envelope, fields: rest as unknown as RecordFields[Name] }
  const message = `${record} ${id} of ${workspace}: ${fault}`
  throw new TallygateClientError({ code: 'invalid_request', message, workspace, operation: id })
}

/** Whether a text may name a producing service. */
export function isSource(source: unknown): boolean {
  return typeof source === 'string' && WORKSPACE_ID.test(source) && source !== OWN_SOURCE
}

function faultOfEnvelope({ workspace, id, occurredAt }: Omit<UsageEvent, 'fields'>): string | null {
  if (!WORKSPACE_ID.test(workspace)) return 'workspace must be 1–64 of A-Za-z0-9._:-'
  if (!EVENT_ID.test(id)) return 'id must be 1–128 of A-Za-z0-9._:-'
  if (Number.isInteger(occurredAt) && occurredAt > 0 && occurredAt < YEAR_10000) return null
  return 'occurredAt must be an instant after 1970 and before the year 10000'
}

function faultOfUnits(fields: object): string | null {
  for (const name of ['quantity', 'credits']) {
    const units: unknown = Reflect.get(fields, name) ?? 0
    if (!isWhole(units, QUANTITY_MAX)) return `${name} must be whole units from 0 to 10^9`
  }
  return null
}

/** Fields that name a resource, whose distinct ones are counted. */
function faultOfSubjects(fields: object): string | null {
  for (const name of ['agentId', 'number', 'account', 'subject']) {
    const subject: unknown = Reflect.get(fields, name) ?? 'none'
    if (!SUBJECT.test(String(subject)))
      return `${name} must be 1–128 of A-Za-z0-9._:-, or a phone number with its plus`
  }
  return null
}

/** The product's own counts, of a snapshot. */
function faultOfCounts(fields: object): string | null {
  const levels: readonly (readonly [string, unknown])[] = Object.entries(
    Object(Reflect.get(fields, 'levels')),
  )
  const wrong = levels.find(([, units]) => !isWhole(units, LEVEL_MAX))
  if (wrong !== undefined) return `levels.${wrong[0]} must be a whole number from 0`
  const groups: readonly (readonly [string, unknown])[] = Object.entries(
    Object(Reflect.get(fields, 'members')),
  )
  const bad = groups.find(([, members]) => !Array.isArray(members) || !members.every(isMember))
  if (bad !== undefined) return `members.${bad[0]} must name subjects of A-Za-z0-9._:- or phone numbers`
  const large = groups.find(([, members]) => Array.isArray(members) && members.length > MEMBERS_MAX)
  return large === undefined ? null : `members.${large[0]} must be ${MEMBERS_MAX} at most`
}

function isMember(member: unknown): boolean {
  return SUBJECT.test(String(Reflect.get(Object(member), 'subject')))
}

function isWhole(units: unknown, most: number): boolean {
  return typeof units === 'number' && Number.isInteger(units) && units >= 0 && units <= most
}
