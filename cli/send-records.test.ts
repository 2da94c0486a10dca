import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { RecordToWrite, RecordWriter } from '#drivers/kafka/record-writer.ts'
import { type LineReader, sendInput } from './send-records.ts'

/** A Kafka that is away for the records of some workspace, and says so when it may. */
class FailingWriter implements RecordWriter {
  readonly written: string[] = []
  isClosed = false
  readonly #failsAt: string
  readonly #mayFail: Promise<void>

  constructor(failsAt: string, mayFail = Promise.resolve()) {
    this.#failsAt = failsAt
    this.#mayFail = mayFail
  }

  async write({ value }: RecordToWrite): Promise<void> {
    this.written.push(value.workspace)
    if (value.workspace !== this.#failsAt) return
    await this.#mayFail
    throw new Error('Kafka is away')
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}

const read: LineReader = (workspace) => [{ record: 'LeadEvent', value: { workspace } }]

/** An input that said some lines, and may say more. */
function openInput(...lines: readonly string[]): PassThrough {
  const stream = new PassThrough()
  stream.write(lines.map((line) => `${line}\n`).join(''))
  return stream
}

test('sending: lines that Kafka has are counted', async () => {
  const writer = new FailingWriter('x')
  const stream = openInput('a', 'b').end('c')
  const sent = await sendInput({ stream, bytes: null }, writer, read)
  expect(sent).toMatchObject({ sent: 3, records: 3, refused: 0 })
  expect(writer).toMatchObject({ written: ['a', 'b', 'c'], isClosed: true })
})

test('sending: where Kafka goes away the command is unavailable, also while its input says nothing and is open', async () => {
  const writer = new FailingWriter('b')
  const stream = openInput('a', 'b')
  await expect(sendInput({ stream, bytes: null }, writer, read)).rejects.toMatchObject({
    exitCode: 3,
    message: expect.stringContaining('1 of 2 records (Kafka is away)'),
  })
  expect([writer.isClosed, stream.writableEnded]).toEqual([true, false])
})

test('sending: once Kafka went away while a line was read, that line is not sent, and the next is not read', async () => {
  const reads: string[] = []
  const away = Promise.withResolvers<void>()
  const writer = new FailingWriter('a', away.promise)
  const slowly: LineReader = async (line) => {
    reads.push(line)
    if (line === 'b') away.resolve()
    await new Promise((resolve) => setImmediate(resolve))
    return read(line)
  }
  const sending = sendInput({ stream: openInput('a', 'b', 'c'), bytes: null }, writer, slowly)
  await expect(sending).rejects.toMatchObject({ exitCode: 3 })
  expect([reads, writer.written]).toEqual([['a', 'b'], ['a']])
})
