import type { Change, Mutation } from './change.ts'

const apply = 'drivers/redis/lua/apply.lua'

/** A change of what a guarantee rests on, and the tests that must fail with it. */
export interface TestMutant extends Mutation {
  readonly guarantee: string
  /** Vitest project, file and part of the title. */
  readonly project: 'unit' | 'integration' | 'chaos'
  readonly tests: string
  readonly title: string
}

/** What was delivered before passes the watermark … */
const redeliver: Change = { file: apply, from: 'if upto <= wm then finish()', to: 'if false then finish()' }

/** … and neither its offsets nor its ids keep it from counting again; copies further on still count once. */
const countAgain: readonly Change[] = [
  { file: apply, from: '  if e[1] > wm then\n', to: '  if true then\n' },
  {
    file: apply,
    from: "redis.call('SADD', KEYS[e[3]], e[4]) == 1",
    to: "redis.call('SADD', KEYS[e[3]], e[4]) == 1 or e[1] <= wm",
  },
  {
    file: apply,
    from: "redis.call('HSET', m, 'wm:' .. tp, ARGV[4], 'at:'",
    to: "redis.call('HSET', m, 'wm:' .. tp, string.format('%.0f', math.max(wm, upto)), 'at:'",
  },
]

/** Of counting and holding, for each guarantee that tests of processes stand for; the simulator has mutants of its own. */
export const testMutants: readonly TestMutant[] = [
  {
    guarantee: 'G3',
    name: 'no id set',
    file: 'drivers/redis/lua/apply.lua',
    from: "redis.call('SADD', KEYS[e[3]], e[4]) == 1",
    to: "redis.call('SADD', KEYS[e[3]], e[4]) >= 0",
    project: 'chaos',
    tests: 'crash',
    title: 'G3',
  },
  {
    guarantee: 'G5',
    name: 'no contiguity fence',
    file: 'drivers/redis/lua/apply.lua',
    from: 'if wm < known then',
    to: 'if false then',
    project: 'chaos',
    tests: 'chaos-redis',
    title: 'promoted',
  },
  {
    guarantee: 'G6',
    name: 'a shard without a life is read as empty',
    file: 'drivers/redis/redis-counter-store.ts',
    from: "state: isReady ? 'ready' : 'rebuilding',",
    to: "state: 'ready',",
    project: 'chaos',
    tests: 'chaos-redis',
    title: 'FLUSHALL',
  },
  {
    guarantee: 'G12',
    name: 'bytes after a record are ignored',
    file: 'schemas/decoder.ts',
    from: 'if (read.offset !== value.length) {',
    to: 'if (read.offset > value.length) {',
    project: 'integration',
    tests: 'dead-letters',
    title: 'G12',
  },
  {
    guarantee: 'G13',
    name: 'a registry that does not answer is taken for one that does not know the schema',
    file: 'drivers/registry/schema-registry.ts',
    from: "{ method: 'GET' })\n    if (response.status === 404) return null",
    to: "{ method: 'GET' }).catch(() => null)\n    if (response === null || response.status === 404) return null",
    project: 'chaos',
    tests: 'chaos-processes',
    title: 'G13',
  },
  {
    guarantee: 'G15',
    name: 'no bound for late events',
    file: 'core/usage/append-time.ts',
    from: 'if (lateMs > graceMs) {',
    to: 'if (lateMs > 10 * graceMs) {',
    project: 'integration',
    tests: 'operations',
    title: 'G15',
  },
  {
    guarantee: 'G16',
    name: 'the last day of a short month is not clamped to',
    file: 'core/subscription/billing-window.ts',
    from: 'Math.min(anchorDay, lastDay)',
    to: 'anchorDay',
    project: 'integration',
    tests: 'windows',
    title: 'G16',
  },
  {
    guarantee: 'G17',
    name: "lateness by the process's clock",
    file: 'drivers/kafka/usage-reader.ts',
    from: 'kafkaTime: Number(message.timestamp),',
    to: 'kafkaTime: Date.now(),',
    project: 'chaos',
    tests: 'chaos-processes',
    title: 'G17',
  },
  {
    guarantee: 'G18',
    name: 'versions are folded in the order of their arrival',
    file: 'core/subscription/fold.ts',
    from: '[...events].sort((a, b) => a.version - b.version)',
    to: '[...events]',
    project: 'unit',
    tests: 'core/subscription',
    title: 'G18',
  },
  {
    guarantee: 'G7',
    name: 'what is held is not counted against the limit',
    file: 'drivers/redis/lua/hold.lua',
    from: 'group[1] - used - held',
    to: 'group[1] - used',
    project: 'chaos',
    tests: 'use-guarantees',
    title: 'G7',
  },
  {
    guarantee: 'G9',
    name: 'answered before the log has the events',
    file: 'core/operations/consume.ts',
    from: 'deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))),',
    to: 'void deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))).catch(() => undefined),',
    project: 'chaos',
    tests: 'chaos-holds',
    title: 'G9',
  },
  {
    guarantee: 'G10',
    name: 'a reservation may be committed after its end',
    file: 'drivers/redis/lua/commit.lua',
    from: 'if now >= tonumber(known.dl) then',
    to: 'if false then',
    project: 'integration',
    tests: 'holds.conformance',
    title: 'G10',
  },
  {
    guarantee: 'G11',
    name: 'another body under a known id is answered like the first',
    file: 'drivers/redis/lua/hold.lua',
    from: "if known and known.fp ~= ARGV[6] then return reply('CONFLICT', made) end",
    to: '',
    project: 'chaos',
    tests: 'use-guarantees',
    title: 'G11',
  },
  {
    guarantee: 'G5',
    name: 'a rebuild forgets that use is missing',
    file: 'consumers/usage/rebuild-shard.ts',
    from: ' || newest?.lowerBounds.includes(partition) === true',
    to: '',
    project: 'chaos',
    tests: 'chaos-log',
    title: 'G5',
  },
  {
    guarantee: 'G1',
    name: 'what the client keeps to itself holds up the partition',
    file: 'drivers/kafka/consumer-loop.ts',
    from: 'session.passOver(Number(batch.lastOffset) + 1)',
    to: 'session.passOver(session.position)',
    project: 'chaos',
    tests: 'chaos-log',
    title: 'transactions',
  },
  {
    guarantee: 'G6',
    name: 'a rebuild does not keep its lease',
    file: 'consumers/usage/rebuild-shard.ts',
    from: 'setInterval(keep, forMs / 3)',
    to: 'setInterval(keep, forMs * 1_000)',
    project: 'integration',
    tests: 'rebuild-lease',
    title: 'not taken over',
  },
  {
    guarantee: 'G13',
    name: 'a Kafka client that stopped for good is not told on',
    file: 'drivers/kafka/consumer-loop.ts',
    from: 'if (!payload.restart) onFatal(payload.error)',
    to: 'if (payload.restart) onFatal(payload.error)',
    project: 'unit',
    tests: 'drivers/kafka/consumer-loop',
    title: 'stops for good',
  },
  {
    guarantee: 'G2',
    name: 'read from the start again, and what was counted before counts again',
    file: 'consumers/usage/usage-session.ts',
    from: 'known: positions[shard]?.watermark ?? -1,',
    to: 'known: -1,',
    also: [redeliver, ...countAgain],
    project: 'chaos',
    tests: 'crash',
    title: 'G2',
  },
  {
    guarantee: 'G4',
    name: 'what a zombie says again counts again',
    ...redeliver,
    also: countAgain,
    project: 'chaos',
    tests: 'chaos-processes',
    title: 'G4',
  },
]
