import { randomUUID } from 'node:crypto'
import type { Document } from 'mongodb'
import { connectKafka, openAdmin } from '#drivers/kafka/connect.ts'
import { createLogger } from '#drivers/log.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { runCli } from '#test/helpers/cli.ts'
import setupEngines from '#test/helpers/engines.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { keepRedis, setBackRedis } from '#test/helpers/kept-redis.ts'
import type { System } from '#test/helpers/system.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'

/**
 * `node restores.ts`: engines that come back older than the others, as docs/backup.md has it. Fifty workspaces are counted, backed
 * up, used on, bought and changed; MongoDB, Redis, or both are set back; the steps of that page are taken; they are used again,
 * and Redis is emptied at last. Prints what `tallygate verify` says after each, and fails on any difference.
 */
const WORKSPACES = 50
/** How soon facts that an older Redis lacks are read again: 60 s, and as long as a busy machine takes. */
const FACTS_WITHIN_MS = 120_000
const stopEngines = await setupEngines()
const { engineAddresses } = await import('#test/helpers/addresses.ts')
const { startSystem, untilReady } = await import('#test/helpers/system.ts')
const { TestWorkspace: Workspace } = await import('#test/helpers/workspace.ts')
const system = await startSystem(['api', 'consumers'], { SNAPSHOT_EVERY_MS: '1000' })
const log = createLogger('restores', 'silent')
const kafka = connectKafka({ brokers: engineAddresses().kafka, clientId: 'restores', log })

type Engine = 'MongoDB' | 'Redis'
const scenarios: readonly (readonly Engine[])[] = [['MongoDB'], ['Redis'], ['MongoDB', 'Redis']]
process.exitCode = 1
try {
  let differing = 0
  for (const setBack of scenarios) differing += await run(setBack)
  process.exitCode = differing === 0 ? 0 : 1
} finally {
  await system.stop()
  await stopEngines()
}
process.exit()

/** How many counters differ in the end, over all looks. */
async function run(setBack: readonly Engine[]): Promise<number> {
  const name = setBack.join(' and ')
  const workspaces = Array.from({ length: WORKSPACES }, () => new Workspace(system))
  for (const workspace of workspaces) await workspace.subscribe({ plan: 'base', seats: 5 })
  await use(workspaces)
  await untilKept()
  const backup = await whileNothingWrites(async () => ({
    mongo: await readMongo(system),
    redis: await keepRedis(system),
  }))
  for (const workspace of workspaces.slice(0, WORKSPACES / 2)) {
    await workspace.subscribe({ plan: 'pro', seats: 10 }, { type: 'upgraded' })
    await workspace.override('leads', { limit: 100_000 })
  }
  await raiseCatalogue()
  await use(workspaces)
  await untilKept()

  await Promise.all([stop('api'), stop('consumers')])
  if (setBack.includes('MongoDB')) {
    await writeMongo(system, backup.mongo)
    await readAgain()
  }
  if (setBack.includes('Redis')) await setBackRedis(system, backup.redis)
  await system.start('consumers')
  await system.start('api')
  await untilReady(system.redis, system.shards)
  const restored = await verify(`${name} set back, log read on`)

  const upgraded = workspaces.slice(0, WORKSPACES / 2)
  if (setBack.includes('MongoDB')) {
    await raiseCatalogue()
    for (const workspace of upgraded) await workspace.override('leads', { limit: 100_000 })
  }
  await Promise.all(upgraded.map(hasUpgrade))
  // What the others used since the backup is in no round of snapshots that came later.
  await use(workspaces.filter((_, index) => index % 5 === 0))
  const used = await verify(`${name} set back, used on`)
  await untilKept()
  await system.redis.flushall()
  await untilReady(system.redis, system.shards)
  return restored + used + (await verify(`${name} set back, Redis emptied after it`))
}

/** The copy of the facts in Redis, which may be older, is believed for a minute. */
async function hasUpgrade(workspace: TestWorkspace): Promise<void> {
  await eventually(
    () => workspace.check({ feature: 'leads', intent: 'read' }),
    ({ plan, limit }) => plan === 'pro' && limit === 100_000,
    { what: `${workspace.id} to have its upgrade and its override`, withinMs: FACTS_WITHIN_MS },
  )
}

/** Events of the product, and use through the API. */
async function use(workspaces: readonly TestWorkspace[]): Promise<void> {
  for (const workspace of workspaces) {
    const run = randomUUID().slice(0, 8)
    await workspace.send('LeadEvent', { leadId: run, action: 'created', quantity: 3 })
    await workspace.send('ContactEvent', { contactId: run, action: 'created' })
    await workspace.send('WhatsappNumberEvent', { number: run, action: 'connected' })
    const items = [{ feature: 'ai_credits', quantity: 2 }]
    const answer = await eventually(
      () => workspace.post('/v1/consume', { workspace: workspace.id, id: run, items }),
      ({ status }) => status === 200,
      { what: `${workspace.id} to consume` },
    )
    const { allowed } = (await answer.json()) as { readonly allowed: boolean }
    if (!allowed) throw new Error(`${workspace.id} may not consume`)
  }
  await Promise.all(workspaces.map((workspace) => workspace.counted()))
}

/** Stores the next revision of the catalogue: the one before it with another first threshold of leads. */
async function raiseCatalogue(): Promise<void> {
  const headers = { authorization: `Bearer ${system.key}`, 'content-type': 'application/json' }
  const url = `${system.api}/v1/catalogue`
  const stored = await fetch(url, { headers })
  const { revision, catalogue } = (await stored.json()) as {
    readonly revision: number
    readonly catalogue: { readonly features: { readonly leads: object } }
  }
  const leads = { ...catalogue.features.leads, thresholds: [50 + (revision % 50), 100] }
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { ...headers, 'if-match': stored.headers.get('etag') ?? '' },
    body: JSON.stringify({ ...catalogue, features: { ...catalogue.features, leads } }),
  })
  if (answer.status !== 200) throw new Error(`the catalogue was refused: ${await answer.text()}`)
}

/** Waits until no shard has anything that is not in a round of snapshots. */
async function untilKept(): Promise<void> {
  const dirty = allShardKeys(system.shards).map((keys) => keys.dirty)
  await eventually(
    () => Promise.all(dirty.map((key) => system.redis.hlen(key))),
    (counts) => counts.every((count) => count === 0),
    { what: 'every change to be in a round of snapshots' },
  )
}

/** A backup of one instant: our processes stand while it is taken. */
async function whileNothingWrites<Value>(read: () => Promise<Value>): Promise<Value> {
  await Promise.all([system.freeze('consumers'), system.freeze('api')])
  const value = await read()
  system.signal('consumers', 'SIGCONT')
  system.signal('api', 'SIGCONT')
  return value
}

async function stop(name: 'api' | 'consumers'): Promise<void> {
  system.signal(name, 'SIGTERM')
  await system.ended(name)
}

/** Subscriptions and dead letters from the beginning of their topics. */
async function readAgain(): Promise<void> {
  const admin = await openAdmin(kafka)
  await admin.resetOffsets({
    groupId: 'tallygate-subscription',
    topic: 'subscription.events',
    earliest: true,
  })
  await admin.resetOffsets({ groupId: 'tallygate-letters', topic: 'dead.letters', earliest: true })
  await admin.disconnect()
}

/** Prints what `tallygate verify` says, once no shard is being rebuilt; how many counters differ. */
async function verify(when: string): Promise<number> {
  const { out, err } = await runCli(system, ['verify'])
  const [first = ''] = out.split('\n')
  process.stdout.write(`${when}: ${first}\n`)
  const differ = Number(/(\d+) counters differ/.exec(first)?.[1])
  if (differ === 0) return 0
  process.stdout.write(`${out}${err}`)
  return Number.isNaN(differ) ? 1 : differ
}

type Collections = ReadonlyMap<string, readonly Document[]>

/** Every document, its numbers as they are stored. */
async function readMongo({ mongo: { db } }: System): Promise<Collections> {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray()
  const read = async (name: string): Promise<readonly [string, readonly Document[]]> => {
    const documents = await db.collection(name).find({}, { promoteValues: false }).toArray()
    return [name, documents]
  }
  return new Map(await Promise.all(collections.map(({ name }) => read(name))))
}

/** Sets every collection back; the indexes stay. */
async function writeMongo({ mongo: { db } }: System, backup: Collections): Promise<void> {
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const collection = db.collection(name)
    await collection.deleteMany({})
    const documents = backup.get(name) ?? []
    if (documents.length > 0) await collection.insertMany([...documents])
  }
}
