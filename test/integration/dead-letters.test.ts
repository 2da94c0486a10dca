import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Consumer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/instant.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { Decoder } from '#schemas/decoder.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { prefixOf } from '#schemas/wire-format.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

interface Letter {
  readonly topic: string
  readonly code: string
  readonly reason: string
  readonly key: string
  readonly value: Buffer
  readonly partition: number
  readonly offset: number
}

/** An engine that is busy with other tests may be so much slower than one that is not. */
const LOAD_MARGIN = 3
const STALL_MAX_MS = 2_000

const letters: Letter[] = []
const { kafka: brokers, registry: registryUrl } = engineAddresses()
const kafka = connectKafka({ brokers, clientId: 'dead-letter-test', log: createLogger('test', 'silent') })
const producer = kafka.producer()
let system: System
let reader: Consumer
let encode: (fields: object) => Buffer
let deadLetterId: number

beforeAll(async () => {
  system = await sharedSystem()
  const registry = new SchemaRegistry(registryUrl)
  const ids = await registry.registerAll()
  encode = encoderOf('LeadEvent', ids.LeadEvent)
  deadLetterId = ids.DeadLetter
  const decoder = new Decoder({
    records: ['DeadLetter'],
    fetchSchema: (id) => registry.fetchSchema(id),
    bytesMax: 2_000_000,
    now: () => 0,
  })
  reader = kafka.consumer({ groupId: `letters-${randomUUID()}` })
  await reader.connect()
  await reader.subscribe({ topic: 'dead.letters', fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      await decoder.prepare([message.value])
      const decoded = decoder.decode(message.value)
      if (!decoded.ok) throw new Error(decoded.reason)
      const { key, ...rest } = decoded.value
      letters.push({ ...(rest as unknown as Letter), key: String(key) })
    },
  })
  await producer.connect()
})
afterAll(async () => {
  await Promise.all([reader.disconnect(), producer.disconnect()])
  await system.stop()
})

async function letterOf(value: Buffer | null, key: string): Promise<Letter> {
  const found = (): Letter | undefined =>
    letters.find(
      (letter) =>
        letter.key === key &&
        (value === null || letter.value === null ? value === letter.value : value.equals(letter.value)),
    )
  await eventually(
    async () => found(),
    (letter) => letter !== undefined,
    { what: `the dead letter of ${key} with ${value?.length ?? 'no'} bytes` },
  )
  const letter = found()
  if (letter === undefined) throw new Error('no letter')
  return letter
}

test('G12: a record of each bad kind is set aside with its bytes and code, and the next good one counts', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  const now = Date.now()
  const lead = (fields: object): Buffer =>
    encode({
      id: randomUUID(),
      workspace: workspace.id,
      occurredAt: now,
      source: 'test',
      leadId: 'l',
      action: 'created',
      ...fields,
    })
  const good = lead({})
  const beyond2To53 = Buffer.concat([good.subarray(0, -1), Buffer.alloc(8, 0x80), Buffer.from([0x20])])
  const kinds: readonly (readonly [string, Buffer | null])[] = [
    ['undecodable', null],
    ['undecodable', Buffer.alloc(0)],
    ['undecodable', Buffer.from('{"leadId":"json"}')],
    ['undecodable', good.subarray(0, good.length - 3)],
    ['undecodable', Buffer.concat([good, Buffer.from([0])])],
    ['unknown_schema', Buffer.concat([prefixOf(999_999), good.subarray(5)])],
    ['foreign_subject', Buffer.concat([prefixOf(deadLetterId), good.subarray(5)])],
    ['too_large', Buffer.concat([good, Buffer.alloc(900_000)])],
    ['undecodable', beyond2To53],
    ['quantity_out_of_range', lead({ quantity: -1 })],
    ['quantity_out_of_range', lead({ quantity: 1_000_000_001 })],
    ['invalid_field', lead({ id: 'has a space' })],
    ['invalid_field', lead({ workspace: 'someone-else' })],
    ['invalid_field', lead({ action: 'UNKNOWN' })],
    ['invalid_field', lead({ source: 'tallygate' })],
    ['too_late', lead({ occurredAt: now - 48 * HOUR_MS - 60_000 })],
    ['from_the_future', lead({ occurredAt: now + 6 * 60_000 })],
  ]
  const places: object[] = []
  const stalls: number[] = []
  for (const [, value] of kinds) {
    const sentAt = performance.now()
    places.push(await produce(workspace.id, value))
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
    await eventually(
      async () => (await workspace.check({ feature: 'leads' })).used,
      (used) => used === places.length,
      { what: 'the good record after a bad one to count' },
    )
    stalls.push(performance.now() - sentAt)
  }
  for (const [index, [code, value]] of kinds.entries()) {
    const letter = await letterOf(value, workspace.id)
    expect(letter, `${code} ${value?.toString('latin1').slice(0, 80)}`).toMatchObject({
      code,
      topic: 'usage.events',
      ...places[index],
    })
    expect(letter.reason.length).toBeGreaterThan(10)
  }
  const asked = { headers: { authorization: `Bearer ${system.key}` } }
  const kept = async (): Promise<string> =>
    (await fetch(`${system.api}/v1/dead-letters?workspace=${workspace.id}`, asked)).text()
  const isWhole = (text: string): boolean => text.includes(`"found":${kinds.length},`)
  await eventually(kept, isWhole, { what: 'a copy of each to look up' })
  const stall = Math.max(...stalls)
  console.log(
    `${kinds.length} bad records: the next good one counted after ${Math.round(stall)} ms at most, ${peakOf()}`,
  )
  expect(stall).toBeLessThan(STALL_MAX_MS * LOAD_MARGIN)
})

test('G12: a workspace id of other characters is set aside under the key that it came with', async () => {
  for (const workspace of ['a b', 'w{s01}', 'tg:*', '', 'w'.repeat(129)]) {
    const fields = {
      id: randomUUID(),
      workspace,
      occurredAt: Date.now(),
      source: 'test',
      leadId: 'l',
      action: 'created',
    }
    const value = encode(fields)
    const place = await produce(workspace, value)
    expect(await letterOf(value, workspace), workspace).toMatchObject({ code: 'invalid_field', ...place })
  }
})

async function produce(key: string, value: Buffer | null): Promise<{ partition: number; offset: number }> {
  const [sent] = await producer.send({ topic: 'usage.events', messages: [{ key, value }] })
  return { partition: sent?.partition ?? -1, offset: Number(sent?.baseOffset) }
}

/** The most memory that the consumers ever took. */
function peakOf(): string {
  const status = readFileSync(`/proc/${system.pidOf('consumers')}/status`, 'utf8')
  return `${Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1_024)} MB at most`
}

test('unknown function and unknown meter are set aside by their own codes; the log names the event', async () => {
  const workspace = new TestWorkspace(system)
  const id = randomUUID()
  await workspace.send('AiCallEvent', { function: 'mind_reading', id })
  await workspace.send('MeterEvent', { meter: 'unicorns', quantity: 1 })
  const codes = await eventually(
    async () => letters.filter(({ key }) => key === workspace.id).map(({ code }) => code),
    (seen) => seen.length === 2,
    { what: 'two letters' },
  )
  expect(codes.toSorted()).toEqual(['unknown_function', 'unknown_meter'])
  const line = await eventually(
    async () =>
      system
        .wholeLogOf('consumers')
        .split('\n')
        .find((one) => one.includes(id)),
    (found) => found !== undefined,
    { what: 'the line of the event' },
  )
  expect(JSON.parse(line ?? '')).toMatchObject({
    topic: 'usage.events',
    code: 'unknown_function',
    eventId: id,
  })
  const metrics = await fetch(`${system.consumers}/metrics`).then((response) => response.text())
  expect(metrics).toMatch(
    /tallygate_dead_letters_total\{topic="usage.events",code="unknown_function"\} [1-9]/,
  )
})

test('S2, S3, S5, S7, S15: what a subscription may not do is refused by field, with a letter that names the rule', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'advanced', seats: 3 })
  const order = {
    orderId: 'o1',
    kind: 'seats',
    status: 'pending',
    amountMinor: 100,
    currency: 'BRL',
    method: 'pix',
    placedAt: Date.now(),
  }
  const earlier = Date.now() + 30 * DAY_MS
  await workspace.subscribe({ plan: 'base', seats: 2, periodEnd: earlier }, { type: 'corrected', order })
  await workspace.subscribe({ subscriptionId: 'other' }, { type: 'purchased' })
  await workspace.subscribe({ subscriptionId: 's1', termMonths: 3 }, { type: 'renewed' })
  const wanted = [
    'downgrade_needs_support',
    'payment_not_allowed',
    'seats_need_support',
    'second_subscription',
    'term_shortened',
    'term_too_short',
  ]
  const codes = (): readonly string[] =>
    letters
      .filter(({ key, topic }) => key === workspace.id && topic === 'subscription.events')
      .map(({ code }) => code)
  await eventually(
    async () => new Set(codes()).size,
    (size) => size >= wanted.length,
    { what: 'a letter for each refusal' },
  )
  expect([...new Set(codes())].toSorted()).toEqual(wanted)
  const answer = await workspace.get('/subscription').then((response) => response.json())
  expect(answer).toMatchObject({ current: { plan: 'advanced', seats: 3 } })
})

test('the same version with other content is a version_conflict, the same content is nothing', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ seats: 2 })
  await system.writer.write({
    record: 'SubscriptionEvent',
    value: Object({ ...(await storedVersion(workspace)), id: 'another' }),
  })
  await eventually(
    async () => letters.filter(({ key }) => key === workspace.id).map(({ code }) => code),
    (codes) => codes.includes('version_conflict'),
    { what: 'a version_conflict' },
  )
})

test('a version dated more than 5 minutes ahead of its record is from_the_future, and nothing of it is in force', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'advanced' })
  const value = Object({ ...(await storedVersion(workspace)), id: 'ahead', version: 2 })
  await system.writer.write({
    record: 'SubscriptionEvent',
    value: {
      ...value,
      occurredAt: Date.now() + 6 * MINUTE_MS,
      subscription: { ...value.subscription, plan: 'pro' },
    },
  })
  const own = () => letters.filter(({ key }) => key === workspace.id).map(({ code }) => code)
  await eventually(
    async () => own(),
    (codes) => codes.length > 0,
    { what: 'a letter' },
  )
  expect(own()).toEqual(['from_the_future'])
  expect(await workspace.get('/subscription').then((response) => response.json())).toMatchObject({
    current: { version: 1, plan: 'advanced' },
  })
})

async function storedVersion(workspace: TestWorkspace): Promise<object> {
  const found = await system.mongo.db
    .collection<{ _id: string; body: object }>('subscription_versions')
    .findOne({
      _id: `${workspace.id}/${'1'.padStart(19, '0')}`,
    })
  return found?.body ?? {}
}
