import type { Db } from 'mongodb'
import { expect, test } from 'vitest'
import { padNumber } from './append-log.ts'
import { ChainedLog } from './chained-log.ts'

interface Document {
  readonly _id: string
  readonly hash?: string
}

interface Question {
  readonly projection?: { readonly hash?: 1 }
}

/** A collection that counts what is asked of it: whole documents, and hashes alone. */
class Counted {
  readonly documents = new Map<string, Document>()
  whole = 0
  hashes = 0

  asDb(): Db {
    return Object({ collection: () => this })
  }

  async findOne({ _id }: Document, { projection }: Question = {}): Promise<Document | null> {
    const isHash = projection?.hash === 1
    if (isHash) this.hashes += 1
    else this.whole += this.documents.has(_id) ? 1 : 0
    return this.documents.get(_id) ?? null
  }

  async insertOne(document: Document): Promise<void> {
    this.documents.set(document._id, document)
  }

  /** Takes an entry out, as a replica set does that rolls it back. */
  rollBack(log: string, number: number): void {
    this.documents.delete(`${log}/${padNumber(number)}`)
  }
}

async function write(stored: Counted, log: string, bodies: readonly string[]): Promise<void> {
  const writer = new ChainedLog<string>(stored.asDb(), 'any')
  for (const body of bodies) await writer.push(log, body)
  stored.whole = 0
}

const TWENTY = Array.from({ length: 20 }, (_, index) => `entry ${index + 1}`)

test('a chained log: entries that are remembered are not read again, however late; what follows them is', async () => {
  const stored = new Counted()
  await write(stored, 'acme', TWENTY)
  const log = new ChainedLog<string>(stored.asDb(), 'any', { rememberedMax: 100 })
  expect(await log.read('acme')).toEqual(TWENTY)
  expect(stored).toMatchObject({ whole: 20, hashes: 0 })
  const given = await log.read('acme')
  expect(stored).toMatchObject({ whole: 20, hashes: 1 })
  given.push('a caller keeps what it was given')
  await write(stored, 'acme', ['one more', 'and one'])
  expect(await log.read('acme')).toEqual([...TWENTY, 'one more', 'and one'])
  expect(stored).toMatchObject({ whole: 2, hashes: 2 })
})

test('a chained log: where the last remembered entry was rolled back, all are read as they are now', async () => {
  const stored = new Counted()
  await write(stored, 'acme', TWENTY)
  const log = new ChainedLog<string>(stored.asDb(), 'any', { rememberedMax: 100 })
  await log.read('acme')
  for (const number of [20, 19]) stored.rollBack('acme', number)
  expect(await log.read('acme')).toEqual(TWENTY.slice(0, 18))
  stored.rollBack('acme', 18)
  await write(stored, 'acme', ['another 18', 'another 19'])
  expect(await log.read('acme')).toEqual([...TWENTY.slice(0, 17), 'another 18', 'another 19'])
})

test('a chained log: so many entries are remembered at most, of the logs that were read last', async () => {
  const stored = new Counted()
  for (const name of ['a', 'b', 'c']) await write(stored, name, TWENTY.slice(0, 4))
  await write(stored, 'long', TWENTY)
  const log = new ChainedLog<string>(stored.asDb(), 'any', { rememberedMax: 10 })
  const wholeOf = async (name: string): Promise<number> => {
    const before = stored.whole
    await log.read(name)
    return stored.whole - before
  }
  expect([await wholeOf('a'), await wholeOf('b'), await wholeOf('a'), await wholeOf('c')]).toEqual([
    4, 4, 0, 4,
  ])
  expect([await wholeOf('a'), await wholeOf('b')]).toEqual([0, 4])
  expect([await wholeOf('long'), await wholeOf('long')]).toEqual([20, 20])
})

test('a chained log: nothing is remembered where nobody asked for it', async () => {
  const stored = new Counted()
  await write(stored, 'acme', TWENTY)
  const log = new ChainedLog<string>(stored.asDb(), 'any')
  for (const whole of [20, 40]) {
    expect(await log.read('acme')).toEqual(TWENTY)
    expect(stored.whole).toBe(whole)
  }
})
