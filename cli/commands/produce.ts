import { faultOfSubscriptionEvent } from '#core/subscription/validate-event.ts'
import { faultOfEnvelope } from '#core/usage/usage-event.ts'
import { completeRecord, faultOfRecord, faultOfSize } from '#schemas/encoder.ts'
import { fromJson } from '#schemas/from-json.ts'
import { type RecordName, type TopicName, topicRecords } from '#schemas/records.ts'
import { CorrectionNotes } from '../correction-notes.ts'
import { parseObject } from '../parse-object.ts'
import { type ReadLine, sendLines } from '../send-records.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

/**
 * `tallygate produce`: sends what fits its schema and prints a line for each record that does not.
 *
 * Sending a file again within 72 hours is harmless: the ids in it make each event count once. Exits 1 when a record was
 * refused.
 */
export async function produceCommand(
  topic: string,
  file: string | undefined,
  options: { readonly json?: boolean },
): Promise<void> {
  const records = recordsOf(topic)
  const target = readTarget(process.env)
  const corrections = new CorrectionNotes(target, file ?? 'standard input')
  const sending = sendLines(target, file, async (line) => {
    const read = readLine(line, records)
    if (!('fault' in read)) for (const record of read) await corrections.note(record)
    return read
  })
  const { sent, refused } = await sending.finally(() => corrections.close())
  const text = options.json === true ? JSON.stringify({ sent, refused }) : `${sent} sent, ${refused} refused`
  process.stdout.write(`${text}\n`)
  if (refused > 0) process.exitCode = exitCodes.denied
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

function readLine(line: string, records: readonly RecordName[]): ReadLine {
  const parsed = parseObject(line)
  if (parsed === null) return { fault: 'not a JSON object' }
  const { record: given, ...fields } = parsed
  const record =
    given === undefined && records.length === 1 ? records[0] : records.find((name) => name === given)
  if (record === undefined) return { fault: `"record" must be one of ${records.join(', ')}` }
  const value = Object(fromJson(record, fields))
  const fault = faultOfRecord(record, value) ?? faultOfSize(record, value) ?? faultOfMeaning(record, value)
  return fault === null ? [{ record, value }] : { fault }
}

function faultOfMeaning(record: RecordName, value: Parameters<typeof faultOfEnvelope>[0]): string | null {
  if (record !== 'SubscriptionEvent') return faultOfEnvelope(value, value.workspace)
  const event: unknown = completeRecord(record, value)
  return (
    faultOfSubscriptionEvent(event as Parameters<typeof faultOfSubscriptionEvent>[0], value.workspace)
      ?.reason ?? null
  )
}
