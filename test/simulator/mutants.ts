import type { Mutation } from '../mutation/change.ts'

/** An unsafe change of the code that counts; the simulator must find it. */
export interface Mutant extends Mutation {
  /** A seed that finds it; without it the search begins at 1. */
  readonly seed?: number
}

const lua = 'drivers/redis/lua'

/** Every unsafe variant that counting.md names and that this code has a place for, and those found since. */
export const mutants: readonly Mutant[] = [
  {
    name: 'no id set: copies of an event count again',
    file: `${lua}/apply.lua`,
    from: 'fresh[number] == nil, fresh[number] ~= false',
    to: 'fresh[number] == nil, true',
  },
  {
    seed: 3,
    name: 'ids that go into one set together are all taken for new',
    file: `${lua}/add-ids.lua`,
    from: 'known[i] == 0 and not seen[id]',
    to: 'not seen[id]',
  },
  {
    seed: 6,
    name: 'copies of an event in one slice are both taken for new',
    file: `${lua}/add-ids.lua`,
    from: 'if added < missing then seen[id] = true end',
    to: '',
  },
  {
    name: 'ids that are added one by one are taken for new',
    file: `${lua}/add-ids.lua`,
    from: "redis.call('SADD', key, ids[i]) == 1",
    to: "redis.call('SADD', key, ids[i]) >= 0",
  },
  {
    name: 'no contiguity fence: writes over a gap after Redis went back',
    file: `${lua}/apply.lua`,
    from: 'if wm < known then',
    to: 'if false then',
  },
  {
    name: 'position from the furthest shard instead of the stored one of each',
    file: 'consumers/usage/usage-session.ts',
    from: 'this.#position = Math.min(',
    to: 'this.#position = Math.max(',
  },
  {
    name: 'a mark during a batch covers what is still on its way',
    file: 'consumers/usage/usage-session.ts',
    from: 'track.mark({ upto, at, seen: null })',
    to: 'track.mark({ upto: this.#position - 1, at, seen: null })',
  },
  {
    name: 'a mark between two batches covers what waits to be sent with the second',
    file: 'consumers/usage/shard-track.ts',
    from: 'return this.#gathered !== null || this.#underWay > 0',
    to: 'return this.#underWay > 0',
  },
  {
    name: 'a slice goes to Redis though the one before it did not',
    file: 'consumers/usage/shard-track.ts',
    from: "      if (before === 'reopen') return 'reopen'\n",
    to: "      if (before === 'reopen' && covered.upto < 0) return 'reopen'\n",
  },
  {
    name: 'position from the Kafka commit',
    file: 'drivers/kafka/consumer-loop.ts',
    from: '    if (fetchedOffset(batch) !== session.position) return this.#seek(partition, session.position)\n',
    to: '',
    also: [
      {
        file: 'drivers/kafka/consumer-loop.ts',
        from: '        this.#open.set(partition, session)\n        this.#seek(partition, session.position)\n',
        to: '        this.#open.set(partition, session)\n',
      },
    ],
  },
  {
    name: 'watermark in a second call',
    file: `${lua}/apply.lua`,
    from: "redis.call('HSET', m, 'wm:' .. tp, ARGV[4], 'at:' .. tp, ARGV[5])",
    to: "redis.call('HSET', m, 'at:' .. tp, ARGV[5])",
    also: [
      {
        file: 'consumers/usage/shard-track.ts',
        from: "      case 'OK':\n",
        to: "      case 'OK':\n        await redis.eval(\"return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])\", 1, keys.meta, 'wm:' + partition, upto)\n",
      },
    ],
  },
  {
    name: 'the end of a partition seen though it was not reached',
    file: 'consumers/usage/usage-session.ts',
    from: 'this.#position >= verified.end',
    to: 'this.#position >= 0',
  },
  {
    seed: 5,
    name: 'a duplicate segment accepted: rounds of one number share their parts',
    file: 'drivers/mongo/snapshot-log.ts',
    from: '{ round, nonce }: SnapshotHeader, part: number): string {',
    to: '{ round }: SnapshotHeader, part: number): string {\n  const nonce = 0',
    also: [
      {
        file: 'drivers/mongo/snapshot-log.ts',
        from: 'await this.#segments.insertMany(segments)',
        to: 'for (const segment of segments) await this.#segments.insertOne(segment).catch((error) => { if (!isDuplicateKey(error)) throw error })',
      },
    ],
  },
  {
    name: 'a round counts though a part of it is missing',
    file: 'drivers/mongo/snapshot-log.ts',
    from: 'if (segment === null) return null',
    to: 'if (segment === null) continue',
  },
  {
    name: 'the header of a round is stored before its parts',
    file: 'drivers/mongo/snapshot-log.ts',
    from: '    if (segments.length > 0) await this.#segments.insertMany(segments)\n',
    to: '',
    also: [
      {
        file: 'drivers/mongo/snapshot-log.ts',
        from: '        parts: segments.length,\n      })\n      return true',
        to: '        parts: segments.length,\n      })\n      if (segments.length > 0) await this.#segments.insertMany(segments)\n      return true',
      },
      {
        file: 'drivers/mongo/snapshot-log.ts',
        from: 'if (segment === null) return null',
        to: 'if (segment === null) continue',
      },
    ],
  },
  {
    name: 'a fold leaves out the full round that it begins with',
    file: 'consumers/snapshots/snapshot-round.ts',
    from: 'mergeRounds(snapshots, shard, needed)',
    to: 'mergeRounds(snapshots, shard, needed.slice(1))',
  },
  {
    name: 'the oldest row of a workspace wins',
    file: 'drivers/mongo/merge-rounds.ts',
    from: 'merged.set(row.workspace, { ...row, above })',
    to: 'if (!merged.has(row.workspace)) merged.set(row.workspace, { ...row, above })',
  },
  {
    seed: 63,
    name: 'ids expired by a clock, as a TTL does',
    file: 'consumers/snapshots/forget-ids.ts',
    from: 'const before = streamTimeOf(meta, ranges) - DEDUPE_WINDOW_MS',
    to: 'const before = ranges[0].clock - DEDUPE_WINDOW_MS',
  },
  {
    seed: 5,
    name: 'snapshot in two reads: the base is read after the rows',
    file: 'consumers/snapshots/snapshot-round.ts',
    from: '    nonce: nonce(),\n    base,\n',
    to: '    nonce: nonce(),\n    base: basesOf((await beginRound(redis, { keys })).meta),\n',
  },
  {
    name: 'rebuild without seeding ids',
    file: 'consumers/usage/rebuild-shard.ts',
    from: 'Math.min(await offsetAt(partition, seededSince), base + 1)',
    to: 'base + 1',
  },
  {
    seed: 18,
    name: 'ids expired by the time of their events',
    file: 'consumers/snapshots/forget-ids.ts',
    from: '    if (Number(latest) >= before) continue\n    if ((await dropBucket(redis, { keys, incarnation, bucket, before }))',
    to: '    if (Number(latest) < 0 || Date.UTC(Number(bucket.slice(0, 4)), Number(bucket.slice(4, 6)) - 1, Number(bucket.slice(6)) + 1) >= before) continue\n    if ((await dropBucket(redis, { keys, incarnation, bucket, before: Number.MAX_SAFE_INTEGER }))',
  },
  {
    name: 'stream time from the partition that is furthest ahead',
    file: 'consumers/snapshots/forget-ids.ts',
    from: 'return Math.min(...behind',
    to: 'return 100 * 3_600_000 + Math.max(...behind',
  },
  {
    name: 'a round counted though another one took its number',
    file: 'consumers/snapshots/snapshot-round.ts',
    from: "if (!(await snapshots.append(keys.shard, header, rows))) return 'given-up'",
    to: 'await snapshots.append(keys.shard, header, rows)',
  },
  {
    name: 'a regression inside a round is not noticed',
    file: `${lua}/read-row.lua`,
    from: "if reached < base then return { 'GONE' } end",
    to: '',
  },
  {
    name: 'unguarded delete in a rebuild',
    file: `${lua}/drop-keys.lua`,
    from: "if redis.call('HGET', KEYS[1], 'rst') ~= ARGV[1] then return 'LOST' end",
    to: '',
  },
  {
    name: 'a round takes its number after it was read: a slow one overtakes a newer one',
    file: 'consumers/snapshots/snapshot-round.ts',
    from: 'round: (last?.round ?? 0) + 1,',
    to: 'round: ((await snapshots.headers(keys.shard)).at(-1)?.round ?? 0) + 1,',
  },
  {
    name: 'ready at the base instead of what was known',
    file: `${lua}/apply.lua`,
    from: 'return reached < math.max(target, counted) end',
    to: 'return reached < counted end',
  },
  {
    seed: 113,
    name: 'dirty removed without its stamp',
    file: `${lua}/forget-stamp.lua`,
    from: 'if value ~= ARGV[2] then',
    to: 'if false then',
  },
  {
    seed: 87,
    name: 'rebuild counts from the base of the newest round for every workspace',
    file: `${lua}/apply.lua`,
    from: "from = math.max(from, tonumber(redis.call('HGET', KEYS[slice[9][w]], tp) or '-1'))",
    to: '',
  },
  {
    name: 'past days are taken out though they changed since they were read',
    file: `${lua}/archive-days.lua`,
    from: "if redis.call('HGET', KEYS[2], ARGV[i]) ~= ARGV[i + 1] then return 'CHANGED' end",
    to: '',
  },
  {
    name: 'a rebuild opens the shard though Redis went back meanwhile',
    file: 'consumers/usage/rebuild-shard.ts',
    from: 'writes: drops + restored.rows.length,',
    to: 'writes: 0,',
  },
  {
    name: 'snapshot with holds in it',
    file: 'drivers/redis/snapshot-scripts.ts',
    from: "name !== 'rev' && !name.startsWith('h:')",
    to: "name !== 'rev'",
  },
  {
    name: 'a product settles what is being committed, and the commit is answered without its events',
    file: `${lua}/settle.lua`,
    from: " or known.st == 'committing' then return {} end",
    to: ' then return {} end',
  },
  {
    seed: 2,
    name: 'hold without rev: limits of facts that are no longer in force',
    file: `${lua}/hold.lua`,
    from: 'if rev ~= ARGV[2] or ',
    to: 'if ',
  },
  {
    name: 'acknowledge before the log has it',
    file: 'core/operations/consume.ts',
    from: 'deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))),',
    to: 'void deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))).catch(() => undefined),',
  },
  {
    name: 'a reservation is given back though its events are on their way',
    file: `${lua}/release.lua`,
    from: "if state ~= 'held' then return 'RESOLVED' end",
    to: '',
  },
  {
    name: 'half a call that Redis kept is not noticed',
    file: `${lua}/apply.lua`,
    from: " or (state[6] or '0') ~= (state[7] or '0')",
    to: '',
  },
]
