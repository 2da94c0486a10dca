import { createReadStream, existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { faultOfSubscriptionEvent } from '#core/subscription/validate-event.ts'
import { faultOfEnvelope } from '#core/usage/usage-event.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter, type RecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { faultOfRecord } from '#schemas/encoder.ts'
import { fromJson } from '#schemas/from-json.ts'
import { type RecordName, type TopicName, topicRecords } from '#schemas/records.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

/** Records on their way at once. */
const IN_FLIGHT_MAX = 2_000

interface Tally {
  sent: number
  refused: number
}

/**
 * `tallygate produce`: sends what fits its schema and prints a line for each record that does not.
 *
 * Sending a file twice is harmless: the ids in it make each event count once. Exits 1 when a record was refused.
 */
export async function produceCommand(
  topic: string,
  file: string | undefined,
  options: { readonly json?: boolean },
): Promise<void> {
  const records = recordsOf(topic)
  const isFile = file !== undefined && file !== '-'
  if (isFile && !existsSync(file)) throw new CommandError(`there is no file ${file}`, exitCodes.usage)
  const input = isFile ? createReadStream(file) : process.stdin
  const writer = await openWriter()
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value} records · {speed} a second' })
    : null
  const tally: Tally = { sent: 0, refused: 0 }
  const startedAt = performance.now()
  bar?.start(0, 0, { speed: '–' })
  try {
    await sendLines(createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }), {
      records,
      writer,
      tally,
      onProgress,
    })
  } finally {
    bar?.stop()
    await writer.close()
  }
  function onProgress(): void {
    const speed = Math.round(tally.sent / ((performance.now() - startedAt) / 1_000))
    bar?.setTotal(tally.sent + tally.refused)
    bar?.update(tally.sent + tally.refused, { speed })
  }
  const text = options.json === true ? JSON.stringify(tally) : `${tally.sent} sent, ${tally.refused} refused`
  process.stdout.write(`${text}\n`)
  if (tally.refused > 0) process.exitCode = exitCodes.denied
}

function recordsOf(topic: string): readonly RecordName[] {
  const name = (Object.keys(topicRecords) as TopicName[]).find((known) => known === topic)
  const isOurs = name === 'usage.events' || name === 'subscription.events'
  if (name !== undefined && isOurs) return topicRecords[name]
  throw new CommandError(
    `"${topic}" is no topic to send to; use usage.events or subscription.events`,
    exitCodes.usage,
  )
}

async function openWriter(): Promise<RecordWriter> {
  const target = readTarget(process.env)
  const kafka = connectKafka({
    brokers: target.kafka,
    clientId: 'tallygate-produce',
    log: createLogger('produce', 'fatal'),
  })
  return openRecordWriter(kafka, new SchemaRegistry(target.registry)).catch((error: unknown) => {
    throw new CommandError(
      'Kafka or the schema registry does not answer; is it up? (make up)',
      exitCodes.unavailable,
      error,
    )
  })
}

interface SendInput {
  readonly records: readonly RecordName[]
  readonly writer: RecordWriter
  readonly tally: Tally
  readonly onProgress: () => void
}

async function sendLines(
  lines: AsyncIterable<string>,
  { records, writer, tally, onProgress }: SendInput,
): Promise<void> {
  let number = 0
  let waiting: Promise<void>[] = []
  for await (const line of lines) {
    number += 1
    if (line.trim() === '') continue
    const read = readLine(line, records)
    if ('fault' in read) {
      tally.refused += 1
      process.stderr.write(`${pc.red('refused')} line ${number}: ${read.fault}\n`)
      continue
    }
    waiting.push(writer.write(read))
    tally.sent += 1
    if (waiting.length < IN_FLIGHT_MAX) continue
    await Promise.all(waiting)
    waiting = []
    onProgress()
  }
  await Promise.all(waiting)
  onProgress()
}

type ReadLine = Parameters<RecordWriter['write']>[0] | { readonly fault: string }

function readLine(line: string, records: readonly RecordName[]): ReadLine {
  const parsed = parse(line)
  if (parsed === null) return { fault: 'not a JSON object' }
  const { record: given, ...fields } = parsed
  const record =
    given === undefined && records.length === 1 ? records[0] : records.find((name) => name === given)
  if (record === undefined) return { fault: `"record" must be one of ${records.join(', ')}` }
  const value = Object(fromJson(record, fields))
  const fault = faultOfRecord(record, value) ?? faultOfMeaning(record, value)
  return fault === null ? { record, value } : { fault }
}

function faultOfMeaning(record: RecordName, value: Parameters<typeof faultOfEnvelope>[0]): string | null {
  if (record !== 'SubscriptionEvent') return faultOfEnvelope(value, value.workspace)
  const event: unknown = value
  return (
    faultOfSubscriptionEvent(event as Parameters<typeof faultOfSubscriptionEvent>[0], value.workspace)
      ?.reason ?? null
  )
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
