import { createReadStream, type Stats, statSync } from 'node:fs'
import { clearLine, createInterface, cursorTo } from 'node:readline'
import type { Readable } from 'node:stream'
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { TallygateError } from '#core/errors.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter, type RecordToWrite, type RecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { requireSameSchemas } from '#drivers/mongo/schema-log.ts'
import { type SchemaIds, SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { CommandError, exitCodes, type Target } from './target.ts'

/** Records on their way at once. */
const IN_FLIGHT_MAX = 2_000

/** What a line stands for, or why it is refused. */
export type ReadLine = readonly RecordToWrite[] | { readonly fault: string }

/** What became of the lines of a file. */
export interface SentLines {
  /** Lines whose records Kafka has. */
  readonly sent: number
  readonly refused: number
  readonly records: number
  readonly seconds: number
}

/** Reads one line. */
export type LineReader = (line: string) => ReadLine | Promise<ReadLine>

/** Where lines come from. */
export interface Input {
  readonly stream: Readable
  /** null where nobody can say. */
  readonly bytes: number | null
}

/**
 * Sends the records of a JSON-lines file, or of standard input where there is none or it is `-`.
 *
 * Prints a line for each that is refused, and on a terminal a bar. Whatever was sent before a failure was sent; sending
 * all of it again is harmless, because the ids count once. Throws a CommandError when Kafka cannot be reached.
 */
export async function sendLines(
  target: Target,
  file: string | undefined,
  read: LineReader,
): Promise<SentLines> {
  requireFile(file)
  const writer = await openWriter(target)
  return sendInput(openInput(file), writer, read)
}

/** Throws a CommandError for a name that is that of no file. */
export function requireFile(file: string | undefined): void {
  if (file === undefined || file === '-') return
  const found = statOf(file)
  if (found === undefined) throw new CommandError(`there is no file ${file}`, exitCodes.usage)
  if (found.isDirectory()) throw new CommandError(`${file} is a folder; name a file of it`, exitCodes.usage)
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch (error) {
    const code = String(Reflect.get(Object(error), 'code'))
    throw new CommandError(`${file} cannot be read (${code})`, exitCodes.usage, error)
  }
}

/**
 * Sends the records of an input, and closes the writer.
 *
 * Throws a CommandError once Kafka did not acknowledge a record, also while the input is open and says nothing.
 */
export async function sendInput(input: Input, writer: RecordWriter, read: LineReader): Promise<SentLines> {
  const sender = new Sender(writer, input)
  const options = { crlfDelay: Number.POSITIVE_INFINITY, signal: sender.failed }
  try {
    for await (const line of createInterface({ input: input.stream, ...options })) {
      if (sender.failed.aborted) break
      await sender.take(line, read)
    }
    await sender.settle()
  } finally {
    sender.stop()
    await writer.close()
  }
  sender.requireAcknowledged()
  return sender.result
}

function openInput(path: string | undefined): Input {
  if (path === undefined || path === '-') return { stream: process.stdin, bytes: null }
  return { stream: createReadStream(path), bytes: statSync(path).size }
}

async function openWriter(target: Target): Promise<RecordWriter> {
  const { kafka: brokers, kafkaSecurity: security } = target
  const log = createLogger('produce', 'fatal')
  const kafka = connectKafka({ brokers, security, clientId: 'tallygate-produce', log })
  return openRecordWriter(kafka, { schemaIds: () => schemaIds(target) }).catch((error: unknown) => {
    if (error instanceof CommandError) throw error
    throw new CommandError(
      'Kafka or the schema registry does not answer; is it up? (make up)',
      exitCodes.unavailable,
      error,
    )
  })
}

/** The ids that records of ours always had. Throws a CommandError for a registry that has others, as one that lost its data. */
async function schemaIds({ mongo: url, registry }: Target): Promise<SchemaIds> {
  const mongo = await connectMongo(url).catch((error: unknown) => {
    const message = 'MongoDB does not answer; it knows under which schema ids records are written'
    throw new CommandError(message, exitCodes.unavailable, error)
  })
  try {
    return await requireSameSchemas(mongo.db, new SchemaRegistry(registry))
  } catch (error) {
    if (!(error instanceof TallygateError) || error.code !== 'invalid_config') throw error
    throw new CommandError(error.message, exitCodes.unavailable, error)
  } finally {
    await mongo.close()
  }
}

class Sender {
  readonly #writer: RecordWriter
  readonly #bar: SingleBar | null
  readonly #startedAt = performance.now()
  /** Aborted by the first record that Kafka did not acknowledge, for the reason that it gave. */
  readonly #failing = new AbortController()
  /** None of them rejects: somebody may be waiting for the next line, and not for these. */
  #waiting: Promise<void>[] = []
  #lines = 0
  #bytes = 0
  #sent = 0
  #refused = 0
  #records = 0
  #unacknowledged = 0

  constructor(writer: RecordWriter, { bytes }: Input) {
    this.#writer = writer
    const share = bytes === null ? '' : '{bar} {percentage}% · {eta_formatted} left · '
    const format = `${share}{lines} lines · {speed} a second`
    this.#bar = process.stderr.isTTY ? new SingleBar({ format }) : null
    this.#bar?.start(bytes ?? 0, 0, { lines: 0, speed: '–' })
  }

  get result(): SentLines {
    const seconds = (performance.now() - this.#startedAt) / 1_000
    return { sent: this.#sent, refused: this.#refused, records: this.#records, seconds }
  }

  /** Tells at once that no more lines need to be taken. */
  get failed(): AbortSignal {
    return this.#failing.signal
  }

  async take(line: string, read: LineReader): Promise<void> {
    this.#lines += 1
    this.#bytes += Buffer.byteLength(line) + 1
    if (line.trim() === '') return
    const records = await read(line)
    if ('fault' in records) {
      this.#refused += 1
      this.#makeRoom()
      process.stderr.write(`${pc.red('refused')} line ${this.#lines}: ${records.fault}\n`)
      return
    }
    if (this.failed.aborted) return
    this.#sent += 1
    this.#records += records.length
    this.#waiting.push(...records.map((record) => this.#write(record)))
    if (this.#waiting.length >= IN_FLIGHT_MAX) await this.settle()
  }

  async #write(record: RecordToWrite): Promise<void> {
    try {
      await this.#writer.write(record)
    } catch (error) {
      this.#unacknowledged += 1
      this.#failing.abort(error)
    }
  }

  /** A line of its own, above the bar that is drawn again below it. */
  #makeRoom(): void {
    if (this.#bar === null) return
    cursorTo(process.stderr, 0)
    clearLine(process.stderr, 0)
  }

  /** Waits until Kafka has everything so far, or has failed to take it. */
  async settle(): Promise<void> {
    await Promise.all(this.#waiting)
    this.#waiting = []
    this.#bar?.update(this.#bytes, {
      lines: this.#lines,
      speed: Math.round(this.#sent / this.result.seconds),
    })
  }

  stop(): void {
    this.#bar?.stop()
  }

  /** Throws why a record was not acknowledged, when one was not. */
  requireAcknowledged(): void {
    if (!this.failed.aborted) return
    const reason: unknown = this.failed.reason
    const said = reason instanceof Error ? reason.message : String(reason)
    throw new CommandError(
      `Kafka did not acknowledge ${this.#unacknowledged} of ${this.#records} records (${said}); mend that, and send all of them again: each id counts once`,
      exitCodes.unavailable,
      reason,
    )
  }
}
