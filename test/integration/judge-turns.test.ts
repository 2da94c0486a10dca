import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startJudge } from '#consumers/judge/judge-loop.ts'
import { LIST } from '#drivers/redis/agenda.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import { shardKeys } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { slowJudge } from '#test/helpers/slow-judge.ts'

/** Shards that no process of this run uses. */
const [busy, quiet] = [shardKeys(97), shardKeys(98)]
const HERD = 400
const TAKES_MS = 20
let redis: Awaited<ReturnType<typeof connectRedis>>
beforeAll(async () => {
  redis = await connectRedis({ url: engineAddresses().redis, commandTimeoutMs: 5_000 })
})
afterAll(() => redis.quit())

/** Workspaces as they are read, round after round, while a herd is due since then and one workspace of another shard changed. */
async function roundsOf(dueSince: number): Promise<readonly (readonly string[])[]> {
  const herd = Array.from({ length: HERD }, (_, index) => `due-${index}`)
  await redis.del(
    busy.agenda,
    quiet.agenda,
    busy.judge,
    quiet.judge,
    busy.lease('judge'),
    quiet.lease('judge'),
  )
  for (const { agenda } of [busy, quiet]) await redis.zadd(agenda, Date.now() + 3_600_000, LIST)
  await redis.zadd(busy.agenda, ...herd.flatMap((workspace) => [dueSince, workspace]))
  await redis.hset(quiet.judge, 'changed', '1||')
  const rounds: string[][] = [[]]
  const judge = startJudge({
    deps: slowJudge(TAKES_MS, (workspace) => {
      if (workspace === 'changed') rounds.push([])
      rounds.at(-1)?.push(workspace)
    }),
    redis,
    shards: [busy, quiet],
    workspaces: { after: async () => [] },
    log: pino({ level: 'silent' }),
    name: 'judge-turns',
    backlog: () => 0,
  })
  await eventually(
    async () => rounds.length,
    (count) => count > 4,
    { what: 'four rounds of the judge' },
  )
  await judge.stop()
  return rounds
}

test('judge: what changed comes before what is due, and comes again before a herd of it is through', async () => {
  const [before, ...rounds] = await roundsOf(Date.now())
  expect(before).toEqual([])
  for (const round of rounds) expect(round.length).toBeLessThan(60)
  expect(Math.max(...rounds.map(({ length }) => length)), 'some of the herd').toBeGreaterThan(1)
})

test('judge: what has been due for more than a minute is judged without a rest', async () => {
  const [before, ...rounds] = await roundsOf(Date.now() - 61_000)
  expect(before).toEqual([])
  expect(Math.max(...rounds.map(({ length }) => length))).toBeGreaterThan(60)
})
