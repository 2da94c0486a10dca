import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { type NoticeReader, readNotices, type SeenNotice } from '#test/helpers/notices.ts'
import { type System, startSystem, untilReady } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const shards = allShardKeys(SHARDS_DEFAULT)

let system: System
let reader: NoticeReader
beforeAll(async () => {
  system = await startSystem()
  reader = await readNotices()
})
afterAll(async () => {
  await reader.stop()
  await system.stop()
})

async function told(workspace: TestWorkspace, count: number): Promise<readonly SeenNotice[]> {
  return eventually(
    async () => reader.of(workspace.id),
    (seen) => seen.length >= count,
    { what: `${count} notices about ${workspace.id}` },
  )
}

function words(notices: readonly SeenNotice[]): readonly string[] {
  return notices.map(({ type, threshold }) => (threshold === null ? type : `${type} ${threshold}`))
}

/** Has the workspace judged again though nothing of it changed, and waits until it was. */
async function judgeAgain({ id }: TestWorkspace): Promise<void> {
  const judge = shards[shardOf(id, shards.length)]?.judge ?? ''
  await system.redis.hset(judge, id, '1||')
  await eventually(
    () => system.redis.hexists(judge, id),
    (isWaiting) => isWaiting === 0,
    { what: `${id} to be judged` },
  )
}

async function logged(workspace: TestWorkspace): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const response = await workspace.get('/notices')
  return Object(await response.json()).notices
}

describe('L1: thresholds and grace', () => {
  test('80 % is told once: on the topic, in the log, and not again when judged twice or by a new process', async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'base' })
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 2_000 })
    const [notice] = await told(workspace, 1)
    expect(notice).toMatchObject({
      id: `${workspace.id}/leads/1`,
      type: 'threshold_crossed',
      feature: 'leads',
      threshold: 80,
      used: 2_000,
      limit: 2_500,
    })
    await judgeAgain(workspace)
    await system.kill('consumers')
    await system.start('consumers')
    await judgeAgain(workspace)
    await workspace.send('LeadEvent', { leadId: 'l', action: 'deleted', quantity: 1_000 })
    expect(words(await told(workspace, 2))).toEqual(['threshold_crossed 80', 'threshold_recovered 80'])
    await eventually(
      () => logged(workspace),
      (notices) => notices.length === 2,
      { what: 'both in the log' },
    )
    expect((await logged(workspace)).map(({ id }) => id)).toEqual([
      `${workspace.id}/leads/2`,
      `${workspace.id}/leads/1`,
    ])
  })

  test('the limit, its grace and the end of it are told in order', async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'base' })
    const crossedAt = Date.now() - 25 * HOUR_MS
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 2_500 }, crossedAt)
    const notices = await told(workspace, 4)
    expect(words(notices)).toEqual([
      'threshold_crossed 80',
      'threshold_crossed 100',
      'grace_started',
      'grace_ended',
    ])
    expect(notices.map(({ occurredAt }) => occurredAt - crossedAt)).toEqual([0, 0, 0, 24 * HOUR_MS])
  })
})

test('L1: Redis wiped between 80 % and 100 %, and again after: nothing is told anew, ids go on, the grace runs from the crossing', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  const wipe = async (): Promise<void> => {
    await system.redis.flushall()
    await untilReady(system.redis, system.shards)
    await judgeAgain(workspace)
  }
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity: 2_000 })
  await told(workspace, 1)
  await wipe()
  await workspace.send('LeadEvent', { leadId: 'm', action: 'created', quantity: 500 })
  await told(workspace, 3)
  const { overLimit } = await workspace.becomes({ feature: 'leads' }, 'over_limit_grace')
  await wipe()
  expect((await workspace.becomes({ feature: 'leads' }, 'over_limit_grace')).overLimit).toEqual(overLimit)
  const notices = reader.of(workspace.id)
  expect(words(notices)).toEqual(['threshold_crossed 80', 'threshold_crossed 100', 'grace_started'])
  const [at80 = 0, at100] = notices.map(({ occurredAt }) => occurredAt)
  expect(at100).toBeGreaterThan(at80)
  expect(Date.parse(overLimit?.since ?? '')).toBe(at100)
  expect(notices.map(({ id }) => id)).toEqual([1, 2, 3].map((number) => `${workspace.id}/leads/${number}`))
}, 120_000)

test('S17: 2 days before the end both renewal notices are there, once each', async () => {
  const workspace = new TestWorkspace(system)
  const periodEnd = Date.now() + 2 * DAY_MS
  await workspace.subscribe({ periodEnd })
  expect((await told(workspace, 2)).map(({ id }) => id)).toEqual([
    `${workspace.id}/renewal_reminder/${periodEnd}`,
    `${workspace.id}/renewal_due/${periodEnd}`,
  ])
  await judgeAgain(workspace)
  expect(reader.of(workspace.id)).toHaveLength(2)
})

test('S16: the end of a trial and the purchase after it are told, with nothing sent in between', async () => {
  const workspace = new TestWorkspace(system)
  const end = Date.now() + 1_500
  const trial = { plan: 'trial', status: 'trialing', termMonths: 0, periodEnd: end }
  await workspace.subscribe(trial, { type: 'trial_started' })
  expect((await told(workspace, 1)).map(({ id }) => id)).toEqual([`${workspace.id}/lapsed/${end}`])
  const bought = { plan: 'pro', status: 'active', termMonths: 6, periodEnd: end + 180 * DAY_MS }
  await workspace.subscribe({ subscriptionId: 's2', ...bought })
  expect((await told(workspace, 2)).map(({ id }) => id)).toEqual([
    `${workspace.id}/lapsed/${end}`,
    `${workspace.id}/restored/${end}`,
  ])
})

test('G21: a foreign workspace and an absent one look alike, and one without notices has an empty page', async () => {
  const workspace = new TestWorkspace(system)
  expect((await workspace.get('/notices')).status).toBe(404)
  await workspace.subscribe({})
  expect(await logged(workspace)).toEqual([])
})

test('a notice that was not acknowledged is published again under its id after Redis was wiped', async () => {
  const workspace = new TestWorkspace(system)
  const periodEnd = Date.now() + 5 * DAY_MS
  await workspace.subscribe({ periodEnd })
  const id = `${workspace.id}/renewal_reminder/${periodEnd}`
  await eventually(
    () => logged(workspace),
    (notices) => notices.length === 1,
    { what: 'the reminder in the log' },
  )
  await system.kill('consumers')
  await system.mongo.db.collection<{ _id: string }>('notices').deleteOne({ _id: id })
  await system.redis.flushall()
  await system.start('consumers')
  expect((await told(workspace, 2)).map((notice) => notice.id)).toEqual([id, id])
  await eventually(
    () => logged(workspace),
    (notices) => notices.length === 1,
    { what: 'the reminder in the log again' },
  )
}, 90_000)
