import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/instant.ts'
import { APPEND_TIME_HEADER, faultOfTime } from '#core/usage/append-time.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { schemaText } from '#schemas/records.ts'
import { appendTimeOfMessage } from './append-time-header.ts'
import { deadLetterSink } from './dead-letter.ts'
import { type Letter, letterDecoder, readLetter, recordAgain } from './letters.ts'
import type { OutgoingRecord } from './record-queue.ts'

const NOW = Date.parse('2026-11-20T12:00:00Z')
const APPENDED = NOW - 5 * DAY_MS

/** A record that is refused as soon as Kafka has it, and its letter as a redrive reads it. */
async function setAside(
  header: string | readonly string[] | null,
  trusts = true,
): Promise<{ message: KafkaMessage; letter: Letter }> {
  const buffers = typeof header === 'string' ? Buffer.from(header) : header?.map((one) => Buffer.from(one))
  const headers = buffers === undefined ? {} : { [APPEND_TIME_HEADER]: buffers }
  const place = { offset: '5', timestamp: String(APPENDED), attributes: 0 }
  const message: KafkaMessage = { key: Buffer.from('acme'), value: Buffer.from('x'), headers, ...place }
  const sent: OutgoingRecord[] = []
  const sink = deadLetterSink({
    producer: { send: async (record) => void sent.push(record) },
    encode: encoderOf('DeadLetter', 7),
    now: () => APPENDED,
    trustAppendTimeHeader: trusts,
  })
  const refusal = { code: 'unknown_meter', reason: 'no such meter', schemaId: null } as const
  await sink({ topic: 'usage.events', partition: 0, message, ...refusal })
  return { message, letter: await letterOf(sent) }
}

async function letterOf([record]: readonly OutgoingRecord[]): Promise<Letter> {
  if (record === undefined) throw new Error('nothing was set aside')
  const decoder = letterDecoder({ fetchSchema: async () => schemaText('DeadLetter') }, () => 0)
  await decoder.prepare([record.value])
  const headers = Object.fromEntries(
    Object.entries(record.headers ?? {}).map(([name, value]) => [name, Buffer.from(String(value))]),
  )
  const place = { offset: '0', timestamp: String(APPENDED), attributes: 0 }
  const letter = readLetter(decoder, { key: null, value: record.value, headers, ...place })
  if (letter === null) throw new Error('no letter')
  return letter
}

/** What the consumers judge a record by that was sent again today. */
function judgedAgain(letter: Letter): number {
  const { headers = {} } = recordAgain(letter)
  const restated = { [APPEND_TIME_HEADER]: Buffer.from(String(headers[APPEND_TIME_HEADER])) }
  return appendTimeOfMessage({ timestamp: String(NOW), headers: restated }, true).at
}

test.for([
  ['none', null, APPENDED],
  ['an earlier time', String(APPENDED - DAY_MS), APPENDED - DAY_MS],
  ['a date instead of milliseconds', '2026-11-15T12:00:00Z', APPENDED],
  ['microseconds', String(APPENDED * 1_000), APPENDED],
  ['a time after Kafka’s own', String(APPENDED + DAY_MS), APPENDED],
  ['two times', [String(APPENDED - 1), String(APPENDED - 2)], APPENDED],
] as const)('a letter restates what its record was judged by; header: %s', async ([, header, judgedBy]) => {
  const { message, letter } = await setAside(header)
  expect(appendTimeOfMessage(message, true).at).toBe(judgedBy)
  expect(letter.appendedAt).toBe(judgedBy)
  expect(judgedAgain(letter)).toBe(judgedBy)
})

test('a letter restates no header that is not trusted', async () => {
  const { letter } = await setAside(String(APPENDED - DAY_MS), false)
  expect(letter.appendedAt).toBe(APPENDED)
})

test('a letter from before that restates no time is sent again with the time at which it was refused', async () => {
  const { letter } = await setAside(null)
  for (const appendedAt of [Number.NaN, APPENDED * 1_000]) {
    const at = judgedAgain({ ...letter, appendedAt })
    expect(at).toBe(APPENDED)
    expect(faultOfTime(APPENDED - DAY_MS, { at, restated: true })).toBeNull()
  }
})
