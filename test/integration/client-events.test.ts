import { connect } from 'node:net'
import { inspect } from 'node:util'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type EmitterOptions, UnsentEventError, UsageEmitter } from '#client/events.ts'
import { connectKafka } from '#drivers/kafka/connect.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { readRanges, scanTopic } from '#drivers/kafka/scan-topic.ts'
import { partitions } from '#drivers/kafka/topics.ts'
import { createLogger } from '#drivers/log.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { FailingService } from '#test/helpers/failing-service.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { type SeenDecision, TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
let proxy: TcpProxy
beforeAll(async () => {
  system = await sharedSystem()
  proxy = await TcpProxy.open(Number(engineAddresses().kafka.split(':')[1]))
})
beforeEach(() => proxy.set({ kind: 'pass' }))
afterAll(async () => {
  await system.stop()
  await proxy.close()
})

async function workspaceWith(change: Readonly<Record<string, unknown>>): Promise<TestWorkspace> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'pro', seats: 1, ...change })
  return workspace
}

/** A product's own Kafka client; every connection goes through the proxy. */
function productKafka(): kafkajs.Kafka {
  return new kafkajs.Kafka({
    clientId: 'crm',
    brokers: [engineAddresses().kafka],
    connectionTimeout: 500,
    requestTimeout: 2_000,
    retry: { retries: 1, initialRetryTime: 20, maxRetryTime: 100 },
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: proxy.port }, onConnect),
  })
}

async function openEmitter(options: Partial<EmitterOptions> = {}): Promise<UsageEmitter> {
  const { registry } = engineAddresses()
  const emitter = new UsageEmitter({ kafka: productKafka(), source: 'crm', registry, ...options })
  await emitter.start()
  onTestFinished(() => emitter.stop())
  return emitter
}

async function becomes(workspace: TestWorkspace, feature: string, used: number): Promise<SeenDecision> {
  return eventually(
    () => workspace.check({ feature, intent: 'read' }),
    (decision) => decision.used === used,
    { what: `${used} of ${feature} to be counted` },
  )
}

/** How often the log holds events of the product about a workspace, read from the partition that Java's own client would choose. */
async function copiesIn(workspace: TestWorkspace): Promise<number> {
  const kafka = connectKafka({
    brokers: engineAddresses().kafka,
    clientId: 'test',
    log: createLogger('test', 'silent'),
  })
  const admin = kafka.admin()
  await admin.connect()
  const topic = 'usage.events'
  const own = partitionerOf(partitions[topic])(workspace.id)
  const ranges = (await readRanges(admin, topic)).filter(({ partition }) => partition === own)
  await admin.disconnect()
  let copies = 0
  await scanTopic({
    kafka,
    topic,
    ranges,
    onRecords: async (_, records) => {
      copies += records.filter(
        ({ key, value }) => key?.toString() === workspace.id && value?.includes('crm'),
      ).length
    },
  })
  return copies
}

describe('emitter', () => {
  test('every record that it emits is counted', async () => {
    const workspace = await workspaceWith({})
    const emitter = await openEmitter()
    const own = { workspace: workspace.id }
    await Promise.all([
      emitter.emit('LeadEvent', { ...own, leadId: 'l1', action: 'created', quantity: 7 }),
      emitter.emit('LeadEvent', { ...own, leadId: 'l1', action: 'deleted' }),
      emitter.emit('ContactEvent', { ...own, contactId: 'c1', action: 'created' }),
      emitter.emit('CompanyEvent', { ...own, companyId: 'c2', action: 'created', quantity: 2 }),
      emitter.emit('AiCallEvent', { ...own, function: 'summary', credits: 12, occurredAt: new Date() }),
      emitter.emit('AiAgentEvent', { ...own, agentId: 'a1', state: 'active' }),
      emitter.emit('WhatsappNumberEvent', { ...own, number: '+1', action: 'connected' }),
      emitter.emit('InstagramAccountEvent', { ...own, account: 'acme.shop', action: 'connected' }),
      emitter.emit('MeterEvent', { ...own, meter: 'ai_credits', quantity: 30 }),
    ])
    await becomes(workspace, 'leads', 6)
    await becomes(workspace, 'contacts_companies', 3)
    await becomes(workspace, 'ai_credits', 42)
    for (const feature of ['ai_agents', 'whatsapp_numbers', 'instagram_accounts'])
      await becomes(workspace, feature, 1)
    const takenAt = Date.now()
    await emitter.emit('UsageSnapshotEvent', { ...own, levels: { leads: 90 }, members: {}, takenAt })
    await becomes(workspace, 'leads', 90)
  })

  test('an event that is sent again, also by another emitter and from JSON, counts once', async () => {
    const workspace = await workspaceWith({})
    const [first, second] = [await openEmitter(), await openEmitter()]
    const event = first.event('AiCallEvent', { workspace: workspace.id, function: 'summary', credits: 5 })
    expect(event).toMatchObject({ source: 'crm', reservation: null, fields: { credits: 5 } })
    await first.send(event)
    await Promise.all([first.send(event), second.send(JSON.parse(JSON.stringify(event)))])
    await first.emit('AiCallEvent', { workspace: workspace.id, function: 'summary', credits: 1 })
    await becomes(workspace, 'ai_credits', 6)
    expect(await copiesIn(workspace)).toBe(4)
  })

  test('acknowledgements cut off: written again with the same ids, in order, counted once', async () => {
    const workspace = await workspaceWith({})
    const emitter = await openEmitter()
    const own = { workspace: workspace.id, agentId: 'a1' }
    await emitter.emit('AiAgentEvent', { ...own, state: 'draft' })
    proxy.set({ kind: 'cut-response', afterBytes: 0 })
    const sent = Promise.all([
      emitter.emit('AiAgentEvent', { ...own, state: 'active' }),
      emitter.emit('AiAgentEvent', { ...own, state: 'offline' }),
      emitter.emit('AiAgentEvent', { ...own, state: 'active' }),
      emitter.emit('AiCallEvent', { workspace: workspace.id, function: 'summary', credits: 9 }),
    ])
    sent.catch(() => undefined)
    await becomes(workspace, 'ai_credits', 9)
    proxy.set({ kind: 'pass' })
    await sent
    await workspace.counted()
    expect(await workspace.check({ feature: 'ai_agents', intent: 'read' })).toMatchObject({ used: 1 })
    expect(await workspace.check({ feature: 'ai_credits', intent: 'read' })).toMatchObject({ used: 9 })
    expect(await copiesIn(workspace)).toBeGreaterThanOrEqual(9)
  })

  test('brokers that stay away: thrown with the event, which counts once when it is sent later', async () => {
    const workspace = await workspaceWith({})
    const emitter = await openEmitter({ patienceMs: 300 })
    proxy.set({ kind: 'reset' })
    const wish = { workspace: workspace.id, function: 'summary', credits: 4 }
    const failure = await emitter.emit('AiCallEvent', wish).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UnsentEventError)
    expect(failure).toMatchObject({ code: 'unknown', mayHaveHappened: true, workspace: workspace.id })
    proxy.set({ kind: 'pass' })
    if (failure instanceof UnsentEventError) await emitter.send(failure.event)
    await becomes(workspace, 'ai_credits', 4)
  })

  test('thousands of callers share requests, and stopping waits for them', async () => {
    const workspace = await workspaceWith({})
    const kafka = productKafka()
    let requests = 0
    const { producer } = kafka
    kafka.producer = (options) => {
      const made = producer.call(kafka, options)
      made.on(made.events.REQUEST, ({ payload }) => {
        requests += payload.apiName === 'Produce' ? 1 : 0
      })
      return made
    }
    const emitter = await openEmitter({ kafka })
    const wish = { workspace: workspace.id, meter: 'ai_credits', quantity: 1 }
    const sent = Promise.all(Array.from({ length: 5_000 }, () => emitter.emit('MeterEvent', wish)))
    await emitter.stop()
    await sent
    expect(requests).toBeLessThanOrEqual(5)
    await becomes(workspace, 'ai_credits', 5_000)
  })

  test('what the consumers would set aside is refused, and the field is named', async () => {
    const emitter = await openEmitter()
    const lead = { workspace: 'acme', leadId: 'l', action: 'created' } as const
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ workspace: '{acme}' }, /workspace must be/],
      [{ id: 'c~1~0' }, /id must be/],
      [{ quantity: -1 }, /quantity must be/],
      [{ quantity: 1_000_000_001 }, /quantity must be/],
      [{ occurredAt: Number.NaN }, /occurredAt must be/],
      [{ occurredAt: 253_402_300_800_000 }, /before the year 10000/],
      [{ subject: '@x' }, /subject must be/],
      [{ levels: { leads: -1 } }, /levels.leads must be/],
      [{ members: { numbers: [{ subject: '' }] } }, /members.numbers must name/],
      [{ leadId: 4 }, /leadId is 4, not "string"/],
      [{ colour: 'red' }, /colour is not a field/],
      [{ action: 'stolen' }, /action is "stolen"/],
      [{ action: 'UNKNOWN' }, /UNKNOWN is what readers make/],
      [{ leadId: 'l'.repeat(600_000) }, /bytes, 524288 at most/],
    ]
    for (const [change, message] of wrong) {
      const failure = await emitter.emit('LeadEvent', { ...lead, ...change }).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(message) })
      const isOfSchema = Object.keys(change).some((name) => ['leadId', 'colour', 'action'].includes(name))
      expect(failure instanceof UnsentEventError).toBe(isOfSchema)
      if (failure instanceof UnsentEventError) expect(failure.event.fields).toMatchObject(change)
    }
    const { registry } = engineAddresses()
    expect(() => new UsageEmitter({ kafka: productKafka(), source: 'tallygate', registry })).toThrow(
      /^source:/,
    )
  })

  test('a login in the URL of the registry is sent as basic authentication, and no error names it', async () => {
    const service = await FailingService.open()
    onTestFinished(() => service.close())
    service.play({ status: 500 })
    const registry = service.url.replace('//', '//crm:s3cr%40et@')
    const failure = await openEmitter({ registry }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('it answered 500'),
    })
    expect(inspect(failure, { depth: 9 })).not.toContain('s3cr')
    const basic = `Basic ${Buffer.from('crm:s3cr@et').toString('base64')}`
    expect(new Set(service.seen.map(({ key }) => key))).toEqual(new Set([basic]))
    const wrong = await openEmitter({ registry: 'crm:s3cret@registry' }).catch((error: unknown) => error)
    expect(wrong).toMatchObject({ code: 'invalid_request' })
    expect(inspect(wrong, { depth: 9 })).not.toContain('s3cr')
  })

  test('a registry that lacks our schemas, and an emitter that was not started, say so', async () => {
    const service = await FailingService.open()
    onTestFinished(() => service.close())
    service.play({ status: 404, body: { error_code: 40403 } })
    await expect(openEmitter({ registry: service.url })).rejects.toMatchObject({ code: 'not_found' })
    service.play({ status: 500 })
    await expect(openEmitter({ registry: service.url })).rejects.toMatchObject({ code: 'unavailable' })
    const emitter = new UsageEmitter({ kafka: productKafka(), source: 'crm', registry: {} })
    const wish = { workspace: 'acme', leadId: 'l', action: 'created' } as const
    await expect(emitter.emit('LeadEvent', wish)).rejects.toMatchObject({ code: 'unavailable' })
  })
})
