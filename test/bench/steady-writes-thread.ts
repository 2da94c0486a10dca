import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { openRecordWriter } from '#drivers/kafka/record-writer.ts'
import { createLogger } from '#drivers/log.ts'
import { SchemaRegistry } from '#drivers/registry/schema-registry.ts'
import type { EngineAddresses } from '#test/helpers/addresses.ts'

/** Where events are written, how many, and whose. */
export interface WriteOptions {
  readonly addresses: Pick<EngineAddresses, 'kafka' | 'registry'>
  readonly perSecond: number
  /** In turn. */
  readonly workspaces: readonly string[]
}

const TICK_MS = 10

if (parentPort !== null && workerData?.workspaces !== undefined) await write(workerData, parentPort)

/** Writes leads at a steady rate until it is told something; says `ready` when it begins and how many it wrote at the end. */
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
  const written: Promise<void>[] = []
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000)
    while (written.length < due) written.push(writeOne(written.length))
  }, TICK_MS)
  port.once('message', async () => {
    clearInterval(timer)
    await Promise.all(written)
    await writer.close()
    port.postMessage(written.length)
  })
  port.postMessage('ready')
}
