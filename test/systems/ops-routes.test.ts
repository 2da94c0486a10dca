import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import { allShardKeys, SHARDS_DEFAULT, shardOf } from '#drivers/redis/keys.ts'
import { runCli } from '#test/helpers/cli.ts'
import { answered, eventually } from '#test/helpers/eventually.ts'
import { type System, startSystem } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

const shards = allShardKeys(SHARDS_DEFAULT)

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.stop())

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

function get(path: string, key = system.key): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}` }
  const ask = async (): Promise<Answer> => {
    const response = await fetch(new URL(path, system.api), { headers })
    return { status: response.status, body: Object(await response.json()) }
  }
  return answered(ask, path)
}

interface Row {
  readonly workspace: string
  readonly feature: string
  readonly used: number
  readonly limit: number
  readonly percent: number
}

describe('GET /v1/usage', () => {
  async function rowsOf(query: string, key = system.key): Promise<readonly Row[]> {
    const rows: Row[] = []
    for (let cursor = ''; ; ) {
      const { status, body } = await get(`/v1/usage?${query}${cursor}`, key)
      expect(status, JSON.stringify(body)).toBe(200)
      rows.push(...(body['usage'] as Row[]))
      if (body['cursor'] === null) return rows
      cursor = `&cursor=${body['cursor']}`
    }
  }
  const filled = async (quantity: number): Promise<TestWorkspace> => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'base' })
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', quantity })
    await workspace.counted()
    return workspace
  }

  test('lists who is nearest to a limit, highest first, with figures of now; unlimited and far ones are left out', async () => {
    const spaces = await Promise.all([2_500, 2_000, 2_250, 1_000].map(filled))
    const own = new Set(spaces.map(({ id }) => id))
    const listed = async (): Promise<readonly Row[]> =>
      (await rowsOf('feature=leads&atLeast=80')).filter(({ workspace }) => own.has(workspace))
    const rows = await eventually(listed, ({ length }) => length === 3, { what: 'three to be listed' })
    expect(rows.map(({ workspace, percent }) => [workspace, percent])).toEqual([
      [spaces[0]?.id, 100],
      [spaces[2]?.id, 90],
      [spaces[1]?.id, 80],
    ])
    expect(rows[0]).toMatchObject({ feature: 'leads', used: 2_500, limit: 2_500 })
    const part = spaces[2]?.id.slice(3, 11).toUpperCase()
    expect((await rowsOf(`search=${part}`)).map(({ workspace }) => workspace)).toEqual([spaces[2]?.id])
    await spaces[0]?.subscribe({ plan: 'enterprise', seats: 100 })
    await eventually(listed, ({ length }) => length === 2, { what: 'who has room now to be gone' })
  })

  test('lists who has what is not in its plan any more: a limit of 0 that is used is full, one that is not is no limit', async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'advanced' })
    for (const agentId of ['sales', 'support', 'night'])
      await workspace.send('AiAgentEvent', { agentId, state: 'active' })
    await workspace.counted()
    await workspace.subscribe({ plan: 'base' }, { type: 'downgraded', actor: 'support' })
    const listed = async (): Promise<readonly Row[]> =>
      (await rowsOf('atLeast=80')).filter((row) => row.workspace === workspace.id)
    const rows = await eventually(listed, ({ length }) => length > 0, { what: 'the agents to be listed' })
    expect(rows).toEqual([{ workspace: workspace.id, feature: 'ai_agents', used: 3, limit: 0, percent: 100 }])
  })

  test('goes on page by page without losing or repeating equal ones', async () => {
    const spaces = await Promise.all(Array.from({ length: 60 }, () => filled(2_500)))
    const own = new Set(spaces.map(({ id }) => id))
    const listed = async (): Promise<readonly string[]> =>
      (await rowsOf('feature=leads&atLeast=100'))
        .map(({ workspace }) => workspace)
        .filter((id) => own.has(id))
    const ids = await eventually(listed, ({ length }) => length >= own.size, { what: 'all to be listed' })
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(ids)).toEqual(own)
  }, 120_000)

  test('G21: a key sees its own workspaces alone; a lost list is made anew', async () => {
    const [own, other] = await Promise.all([filled(2_400), filled(2_400)])
    const key = await system.createKey({ workspaces: [own.id] })
    const seen = async (): Promise<readonly string[]> =>
      (await rowsOf('feature=leads&atLeast=80', key)).map(({ workspace }) => workspace)
    await eventually(seen, (ids) => ids.length === 1 && ids[0] === own.id, { what: 'its own to be listed' })
    expect(await seen()).not.toContain(other.id)
    await system.redis.flushall()
    await eventually(
      () => seen().catch(() => []),
      (ids) => ids[0] === own.id,
      { what: 'the list to be made anew', withinMs: 90_000 },
    )
  }, 150_000)

  test('what nobody may ask for is 400', async () => {
    for (const query of ['atLeast=0', 'atLeast=x', 'cursor=x', 'feature=%20', 'limit=3', 'search='])
      expect((await get(`/v1/usage?${query}`)).status, query).toBe(400)
  })
})

interface Redrive {
  readonly topic: string
  readonly command: string
  readonly found: number
  readonly sentBefore: number
  readonly wouldSend: number
}

const NO_REDRIVE = { topic: '', command: '', found: 0, sentBefore: 0, wouldSend: 0 }

function redriveOf({ body }: Answer, topic = 'usage.events'): Redrive {
  return (body['redrives'] as readonly Redrive[]).find((one) => one.topic === topic) ?? NO_REDRIVE
}

describe('GET /v1/dead-letters', () => {
  const refuse = async (workspace: TestWorkspace, count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent += 1)
      await workspace.send('AiCallEvent', { function: 'telepathy', credits: null })
  }

  test('what was set aside, newest first, page by page, counted by code, with what a redrive would do', async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({})
    await refuse(workspace, 60)
    const occurredAt = Date.now() - 60 * DAY_MS
    await workspace.send('LeadEvent', { leadId: 'l', action: 'created', occurredAt })
    const all = `/v1/dead-letters?workspace=${workspace.id}`
    const { body } = await eventually(
      () => get(all),
      (answer) => redriveOf(answer).found === 61,
      { what: 'all letters to be kept' },
    )
    expect(body['summary']).toMatchObject([
      { code: 'unknown_function', count: 60 },
      { code: 'too_late', count: 1 },
    ])
    expect(body['redrives']).toEqual([
      {
        topic: 'usage.events',
        command: `npx tallygate redrive --workspace ${workspace.id} --topic usage.events`,
        ...{ found: 61, sentBefore: 0, cut: 0, statesCount: 0, wouldSend: 61 },
      },
    ])
    const first = body['letters'] as Record<string, unknown>[]
    const second = (await get(`${all}&cursor=${body['cursor']}`)).body
    const ids = [...first, ...(second['letters'] as Record<string, unknown>[])].map(({ id }) => String(id))
    expect([first.length, ids.length, second['cursor']]).toEqual([50, 61, null])
    expect(ids).toEqual([...new Set(ids)].sort().reverse())
    expect(first[0]).not.toHaveProperty('value')
    const late = (await get(`${all}&code=too_late`)).body
    expect(late['letters']).toMatchObject([
      { workspace: workspace.id, code: 'too_late', topic: 'usage.events' },
    ])
    const told = JSON.parse((await runCli(system, ['redrive', '--workspace', workspace.id, '--json'])).out)
    expect(
      told.codes.map(({ code, found }: { code: string; found: number }) => [code, found]).sort(),
    ).toEqual([
      ['too_late', 1],
      ['unknown_function', 60],
    ])
  }, 90_000)

  test('what billing stated against a rule is previewed apart from usage, and so is the command', async () => {
    const workspace = new TestWorkspace(system)
    await workspace.subscribe({ plan: 'advanced' })
    await workspace.subscribe({ plan: 'base' }, { type: 'downgraded' })
    await refuse(workspace, 2)
    const answer = await eventually(
      () => get(`/v1/dead-letters?workspace=${workspace.id}`),
      (seen) => redriveOf(seen).found === 2 && redriveOf(seen, 'subscription.events').found === 1,
      { what: 'letters of both topics to be kept' },
    )
    const { command } = redriveOf(answer, 'subscription.events')
    const args = command.replace('npx tallygate ', '').split(' ')
    const told = JSON.parse((await runCli(system, [...args, '--json'])).out)
    expect(told.codes.map(({ code, found }: { code: string; found: number }) => [code, found])).toEqual([
      ['downgrade_needs_support', 1],
    ])
  })

  test('a purchase of long ago leaves no letter of ours: a window that is too old to be split is not written', async () => {
    const [old, recent] = [new TestWorkspace(system), new TestWorkspace(system)]
    const windows = async (start: number, workspace: TestWorkspace): Promise<readonly unknown[]> => {
      const event = { occurredAt: start, periodStart: start, periodEnd: start + 183 * DAY_MS }
      const { occurredAt, ...period } = event
      await workspace.subscribe({ planSince: start, ...period }, { occurredAt })
      await refuse(workspace, 1)
      const { body } = await eventually(
        () => get(`/v1/dead-letters?workspace=${workspace.id}`),
        (answer) => redriveOf(answer).found > 0,
        { what: 'the letter to be kept' },
      )
      return body['summary'] as unknown[]
    }
    const noon = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2
    for (const [days, workspace] of [
      [183, old],
      [30, recent],
    ] as const)
      expect(await windows(noon - days * DAY_MS, workspace)).toMatchObject([{ code: 'unknown_function' }])
  })

  test('what was sent again is said to be; the bytes are for admins, a key sees its own alone', async () => {
    const [own, other] = [new TestWorkspace(system), new TestWorkspace(system)]
    await Promise.all([own.subscribe({}), other.subscribe({})])
    await Promise.all([refuse(own, 1), refuse(other, 1)])
    const key = await system.createKey({ workspaces: [own.id] })
    const path = `/v1/dead-letters?workspace=${own.id}`
    const { body } = await eventually(
      () => get(path, key),
      (answer) => redriveOf(answer).found === 1,
      { what: 'the letter to be kept' },
    )
    const [letter] = body['letters'] as { id: string }[]
    const whole = (await get(`/v1/dead-letters/${letter?.id}`, key)).body
    expect(Buffer.from(String(whole['value']), 'base64').toString('latin1')).toContain('telepathy')
    expect((await get('/v1/dead-letters', key)).status).toBe(400)
    expect((await get(`/v1/dead-letters?workspace=${other.id}`, key)).status).toBe(404)
    const foreign = (await get(`/v1/dead-letters?workspace=${other.id}`)).body['letters'] as { id: string }[]
    expect((await get(`/v1/dead-letters/${foreign[0]?.id}`, key)).status).toBe(404)
    await runCli(system, ['redrive', '--workspace', own.id, '--yes'])
    await eventually(
      () => get(path),
      (answer) => redriveOf(answer).sentBefore + redriveOf(answer).wouldSend === 1,
      { what: 'the redrive to be known' },
    )
  }, 90_000)
})

test('GET /v1/system: each partition level with the log, each shard ready; what is wiped is said to be rebuilding', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({})
  await workspace.send('LeadEvent', { leadId: 'l', action: 'created' })
  await workspace.counted()
  const level = await eventually(
    () => get('/v1/system'),
    ({ body }) =>
      (body['partitions'] as { lagRecords: number }[]).every(({ lagRecords }) => lagRecords === 0),
    { what: 'every partition to be level' },
  )
  const { partitions, shards: states } = level.body as {
    partitions: { partition: number; position: number; end: number; lagMs: number }[]
    shards: { shard: number; state: string }[]
  }
  expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect(partitions.some(({ end }) => end > 0)).toBe(true)
  expect(partitions.every(({ lagMs }) => lagMs < 10_000)).toBe(true)
  expect(states.every(({ state }) => state === 'ready')).toBe(true)
  const own = partitionerOf(partitions.length)(workspace.id)
  const told = await eventually(
    () => get('/v1/system'),
    ({ body }) => Number.isInteger(Object(body['partitions'])[own].enforcementLagMs),
    { what: 'the time from append to counted to be told' },
  )
  // What other files appended while no such system ran was counted late, and may be what is told.
  expect(Object(told.body['partitions'])[own].enforcementLagMs).toBeLessThan(HOUR_MS)
  await system.kill('consumers')
  await workspace.send('LeadEvent', { leadId: 'm', action: 'created' })
  const shard = shardOf(workspace.id, shards.length)
  await system.redis.del(shards[shard]?.meta ?? '')
  const behind = (await get('/v1/system')).body as typeof level.body
  const now = behind['shards'] as { shard: number; state: string }[]
  expect(now.filter(({ state }) => state === 'rebuilding')).toEqual([{ shard, state: 'rebuilding' }])
  expect((behind['partitions'] as { lagRecords: number }[]).some(({ lagRecords }) => lagRecords > 0)).toBe(
    true,
  )
  await system.start('consumers')
}, 90_000)
