import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import { encoderOf } from '#schemas/encoder.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { missingJava, produceWithJava } from '#test/helpers/java-producer.ts'
import { readLetters } from '#test/helpers/letters.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const MIB = 1_048_576
const missing = missingJava()
if (missing !== null) process.stdout.write(`codecs of Java's producer are not tested: ${missing}\n`)

const { kafka: brokers, registry } = engineAddresses()
const kafka = connectKafka({ brokers, clientId: 'codecs-test', log: createLogger('test', 'silent') })
const files = mkdtempSync(join(tmpdir(), 'tallygate-codecs-'))
let system: System
let encode: (fields: object) => Buffer

beforeAll(async () => {
  system = await sharedSystem()
  encode = encoderOf('LeadEvent', (await new SchemaRegistry(registry).registerAll()).LeadEvent)
})
afterAll(async () => {
  rmSync(files, { recursive: true, force: true })
  await system.stop()
})

function fileOf(name: string, bytes: Buffer): string {
  const path = join(files, name)
  writeFileSync(path, bytes)
  return path
}

test.skipIf(missing !== null)(
  'G12: every codec of a Java producer is read, as the broker kept it',
  async () => {
    const topic = `codecs-${randomUUID()}`
    const admin = kafka.admin()
    await admin.connect()
    const configEntries = [{ name: 'compression.type', value: 'producer' }]
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
    const text = Buffer.from('a record of many words '.repeat(9_000))
    await produceWithJava({
      brokers,
      topic,
      key: 'k',
      values: CODECS.map((codec) => `${codec}:${fileOf(codec, Buffer.concat([Buffer.from(codec), text]))}`),
    })
    const consumer = kafka.consumer({ groupId: topic })
    const seen: Buffer[] = []
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => void seen.push(message.value ?? Buffer.alloc(0)),
    })
    await eventually(
      async () => seen.length,
      (count) => count === CODECS.length,
      { what: 'a record of each codec' },
    )
    await consumer.disconnect()
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
    expect(seen.map((value) => value.equals(Buffer.concat([value.subarray(0, -text.length), text])))).toEqual(
      CODECS.map(() => true),
    )
    expect(seen.map((value) => value.subarray(0, -text.length).toString())).toEqual([...CODECS])
  },
)

test.skipIf(missing !== null)(
  'G12: bombs of 1:1000 are set aside and the next good record counts',
  async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({})
    const lead = (codec: string): string => {
      const base = { workspace: workspace.id, occurredAt: Date.now(), source: 'test', leadId: 'l' }
      return `${codec}:${fileOf(`good-${codec}`, encode({ ...base, id: `good-${codec}`, action: 'created' }))}`
    }
    const values = CODECS.flatMap((codec) => [
      lead(codec),
      `gzip:zeros=${codec === 'zstd' ? 100 * MIB : 40 * MIB}`,
    ])
    await produceWithJava({
      brokers,
      topic: 'usage.events',
      key: workspace.id,
      values: [...values, lead('gzip')],
    })
    await workspace.counted()
    expect((await workspace.check({ feature: 'leads' })).used).toBe(CODECS.length)
    const letters = await readLetters(
      ({ key, reason }) => key === workspace.id || reason.includes('expands'),
      CODECS.length,
    )
    expect(letters.map(({ code }) => code)).toEqual(CODECS.map(() => 'too_large'))
    const reasons = letters.map(({ reason }) => reason).join('\n')
    expect(reasons).toContain('the first 1048576 of 41943040 bytes are kept here')
    expect(reasons).toContain('expands to more than')
  },
  120_000,
)
