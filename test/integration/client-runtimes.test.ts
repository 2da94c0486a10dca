import { existsSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { blockOfReadme, installClient, runIn } from '#test/helpers/installed-client.ts'
import { type Runtime, runnerOf } from '#test/helpers/runtimes.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const modules = join(import.meta.dirname, '..', '..', 'node_modules')
const runtimes: readonly Runtime[] = ['this Node', 'Node 20', 'Deno', 'Bun']

const installed = installClient()
let system: System
beforeAll(async () => {
  system = await sharedSystem()
  // What a product has beside the client: the frameworks that it gates, and the peers of the emitter.
  for (const name of ['express', 'fastify', 'kafkajs', 'avsc']) {
    const path = join(installed.dir, 'node_modules', name)
    if (!existsSync(path)) symlinkSync(join(modules, name), path)
  }
})
afterAll(async () => {
  installed.remove()
  await system.stop()
})

/** Runs a program beside the installed client, for a workspace on base; what it printed, or null where it cannot run here. */
async function printedBy(
  program: string,
  { runtime, workspace }: { readonly runtime: Runtime; readonly workspace: TestWorkspace },
  context: TestContext,
): Promise<string> {
  const runner = await runnerOf(runtime)
  if (runner === null) {
    process.stdout.write(`the client was not run in ${runtime}, which is not on this machine\n`)
    return context.skip(`${runtime} is not on this machine`)
  }
  await workspace.subscribe({ plan: 'base' })
  writeFileSync(join(installed.dir, 'start.js'), program)
  const { kafka, registry } = engineAddresses()
  const api = { TALLYGATE_API: system.api, TALLYGATE_KEY: system.key, WORKSPACE: workspace.id, NO_COLOR: '1' }
  const env = {
    ...api,
    KAFKA_BROKERS: kafka,
    SCHEMA_REGISTRY_URL: registry,
    KAFKAJS_NO_PARTITIONER_WARNING: '1',
  }
  return runIn(installed.dir, runner.program, [...runner.args, 'start.js'], env)
}

const gated = `
import express from 'express'
import fastify from 'fastify'
import { TallygateClient } from 'tallygate-client'
import { gate } from 'tallygate-client/express'
import { gates } from 'tallygate-client/fastify'

const { TALLYGATE_API: url, TALLYGATE_KEY: key, WORKSPACE } = process.env
const tallygate = new TallygateClient({ url, key })
const workspace = () => WORKSPACE

const app = express()
app.get('/leads', gate(tallygate, { feature: 'leads', workspace }), (_, response) => response.send('done'))
app.get('/agents', gate(tallygate, { feature: 'ai_agents', workspace }), (_, response) => response.send('done'))
const server = await new Promise((resolve) => { const one = app.listen(0, '127.0.0.1', () => resolve(one)) })

const other = fastify()
await other.register(gates(tallygate, { workspace }))
other.get('/leads', { config: { tallygate: 'leads' } }, async () => 'done')
other.get('/agents', { config: { tallygate: 'ai_agents' } }, async () => 'done')
await other.listen({ port: 0, host: '127.0.0.1' })

for (const [name, { port }] of [['express', server.address()], ['fastify', other.server.address()]]) {
  for (const path of ['leads', 'agents']) {
    const response = await fetch('http://127.0.0.1:' + port + '/' + path)
    const text = await response.text()
    console.log(name, path, response.status, response.ok ? text : JSON.parse(text).code)
  }
}
await other.close()
server.close()
process.exit(0)
`

const emitted = `
import kafkajs from 'kafkajs'
import { UsageEmitter } from 'tallygate-client/events'

const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL: registry, WORKSPACE: workspace } = process.env
const kafka = new kafkajs.Kafka({ clientId: 'crm', brokers: KAFKA_BROKERS.split(','), logLevel: 1 })
const emitter = new UsageEmitter({ kafka, source: 'crm', registry })
await emitter.start()
const event = emitter.event('LeadEvent', { workspace, leadId: 'l', action: 'created', quantity: 7 })
await emitter.send(event)
await emitter.send(event)
await emitter.stop()
process.exit(0)
`

describe.each(runtimes)('%s', { timeout: 180_000 }, (runtime) => {
  test('the five minutes of client/README.md, run from the installed package', async (context) => {
    const workspace = new TestWorkspace(system)
    const printed = await printedBy(blockOfReadme('js'), { runtime, workspace }, context)
    expect(asWords(printed)).toBe(asWords(blockOfReadme('text')))
  })

  test('routes of Express and of Fastify are gated', async (context) => {
    const workspace = new TestWorkspace(system)
    const printed = await printedBy(gated, { runtime, workspace }, context)
    expect(printed.trim().split('\n')).toEqual([
      'express leads 200 done',
      'express agents 403 feature_not_in_plan',
      'fastify leads 200 done',
      'fastify agents 403 feature_not_in_plan',
    ])
  })

  test('what the emitter writes is counted, once', async (context) => {
    const workspace = new TestWorkspace(system)
    await printedBy(emitted, { runtime, workspace }, context)
    await workspace.counted()
    expect((await workspace.check({ feature: 'leads', intent: 'read' })).used).toBe(7)
  })
})

/** What was printed, without the quotes and lines by which each runtime prints an object in its own way. */
function asWords(text: string): string {
  return text.replaceAll('"', "'").replaceAll(',\n}', '\n}').replace(/\s+/g, ' ')
}
