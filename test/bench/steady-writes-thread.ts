import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import type { EngineAddresses } from '#test/helpers/addresses.ts'
import { atRate } from '#test/helpers/at-rate.ts'
import { untilStopped } from '#test/helpers/thread.ts'

/** Where events are written, how many, and whose. */
export interface WriteOptions {
  readonly addresses: Pick<EngineAddresses, 'kafka' | 'registry'>
  readonly perSecond: number
  /** In turn. */
  readonly workspaces: readonly string[]
}

const TICK_MS = 10

if (parentPort !== null && workerData?.workspaces !== undefined) await write(workerData, parentPort)

/** Writes leads at a steady rate until it is stopped; then says how many it wrote. */
async function write({ addresses, perSecond, workspaces }: WriteOptions, port: MessagePort): Promise<void> {
  const kafka = connectKafka({
    brokers: addresses.kafka,
    clientId: 'bench',
    log: createLogger('bench', 'silent'),
  })
  const writer = await openRecordWriter(kafka, new SchemaRegistry(addresses.registry))
  const writeOne = (turn: number): Promise<void> => {
    const id = `l${turn}`
    const workspace = workspaces[turn % workspaces.length] ?? ''
    const value = { id, workspace, occurredAt: Date.now(), source: 'bench', leadId: id, action: 'created' }
    return writer.write({ record: 'LeadEvent', value })
  }
  const loop = atRate({ perSecond, everyMs: TICK_MS }, writeOne)
  untilStopped(port, async () => {
    const written = await loop.stop()
    await writer.close()
    return written.length
  })
}
