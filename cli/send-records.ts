import { createReadStream, existsSync, statSync } from 'node:fs'
import { clearLine, createInterface, cursorTo } from 'node:readline'
import type { Readable } from 'node:stream'
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter, type RecordToWrite, type RecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
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

/**
 * Sends the records of a JSON-lines file, or of standard input where there is none or it is `-`.
 *
 * Prints a line for each that is refused, and on a terminal a bar. Whatever was sent before a failure was sent; sending
 * all of it again is harmless, because the ids count once. Throws a CommandError when Kafka cannot be reached.
 */
export async function sendLines(
  target: Target,
  file: string | undefined,
  read: (line: string) => ReadLine | Promise<ReadLine>,
): Promise<SentLines> {
  const input = openInput(file)
  const writer = await openWriter(target)
  const sender = new Sender(writer, input)
  try {
    for await (const line of createInterface({ input: input.stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      await sender.take(line, read)
    }
    await sender.settle()
  } finally {
    sender.stop()
    await writer.close()
  }
  return sender.result
}

interface Input {
  readonly stream: Readable
  /** null where nobody can say. */
  readonly bytes: number | null
}

function openInput(file: string | undefined): Input {
  if (file === undefined || file === '-') return { stream: process.stdin, bytes: null }
  if (!existsSync(file)) throw new CommandError(`there is no file ${file}`, exitCodes.usage)
  return { stream: createReadStream(file), bytes: statSync(file).size }
}

async function openWriter({ kafka: brokers, kafkaSecurity, registry }: Target): Promise<RecordWriter> {
  const log = createLogger('produce', 'fatal')
  const kafka = connectKafka({ brokers, security: kafkaSecurity, clientId: 'tallygate-produce', log })
  return openRecordWriter(kafka, new SchemaRegistry(registry)).catch((error: unknown) => {
    throw new CommandError(
      'Kafka or the schema registry does not answer; is it up? (make up)',
      exitCodes.unavailable,
      error,
    )
  })
}

class Sender {
  readonly #writer: RecordWriter
  readonly #bar: SingleBar | null
  readonly #startedAt = performance.now()
  #waiting: Promise<void>[] = []
  #lines = 0
  #bytes = 0
  #sent = 0
  #refused = 0
  #records = 0

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

  async take(line: string, read: (line: string) => ReadLine | Promise<ReadLine>): Promise<void> {
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
    this.#sent += 1
    this.#records += records.length
    this.#waiting.push(...records.map((record) => this.#writer.write(record)))
    if (this.#waiting.length >= IN_FLIGHT_MAX) await this.settle()
  }

  /** A line of its own, above the bar that is drawn again below it. */
  #makeRoom(): void {
    if (this.#bar === null) return
    cursorTo(process.stderr, 0)
    clearLine(process.stderr, 0)
  }

  /** Waits until Kafka has everything so far. */
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
}
