/** One change of a line that a guarantee rests on, and the tests that must fail with it. */
export interface TestMutant {
  readonly guarantee: string
  readonly name: string
  readonly file: string
  readonly from: string
  readonly to: string
  /** Vitest project, file and part of the title. */
  readonly project: 'unit' | 'integration'
  readonly tests: string
  readonly title: string
}

/**
 * For each guarantee that tests of processes stand for; the simulator has mutants of its own. G2 and G4 are missing:
 * position, watermark and ids each hold them alone, and the simulator takes away one at a time.
 */
export const testMutants: readonly TestMutant[] = [
  {
    guarantee: 'G3',
    name: 'no id set',
    file: 'drivers/redis/lua/apply.lua',
    from: "if redis.call('SADD', KEYS[e[3]], e[4]) == 0 then",
    to: "if redis.call('SADD', KEYS[e[3]], e[4]) == 9 then",
    project: 'integration',
    tests: 'crash',
    title: 'G3',
  },
  {
    guarantee: 'G5',
    name: 'no contiguity fence',
    file: 'drivers/redis/lua/apply.lua',
    from: 'if wm < known then',
    to: 'if false then',
    project: 'integration',
    tests: 'chaos-redis',
    title: 'promoted',
  },
  {
    guarantee: 'G6',
    name: 'a shard without a life is read as empty',
    file: 'drivers/redis/redis-counter-store.ts',
    from: "state: isReady ? 'ready' : 'rebuilding',",
    to: "state: 'ready',",
    project: 'integration',
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
    project: 'integration',
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
    project: 'integration',
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
    project: 'integration',
    tests: 'use-guarantees',
    title: 'G7',
  },
  {
    guarantee: 'G9',
    name: 'answered before the log has the events',
    file: 'core/operations/consume.ts',
    from: 'deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))),',
    to: 'void deps.sink.produce(admitted.open.map((open) => ownUsage(input, open))).catch(() => undefined),',
    project: 'integration',
    tests: 'chaos-holds',
    title: 'G9',
  },
  {
    guarantee: 'G10',
    name: 'a reservation may be committed after its end',
    file: 'drivers/redis/lua/commit.lua',
    from: 'if now >= tonumber(known[3]) then',
    to: 'if false then',
    project: 'integration',
    tests: 'holds.conformance',
    title: 'G10',
  },
  {
    guarantee: 'G11',
    name: 'another body under a known id is answered like the first',
    file: 'drivers/redis/lua/hold.lua',
    from: "if known[1] and known[1] ~= ARGV[6] then return reply('CONFLICT') end",
    to: '',
    project: 'integration',
    tests: 'use-guarantees',
    title: 'G11',
  },
  {
    guarantee: 'G21',
    name: 'a foreign workspace is refused as forbidden',
    file: 'api/plugins/keys.ts',
    from: "throw new TallygateError('not_found', `no workspace",
    to: "throw new TallygateError('forbidden', `no workspace",
    project: 'integration',
    tests: 'isolation',
    title: 'G21',
  },
  {
    guarantee: 'G28',
    name: 'an entry is hashed without its content',
    file: 'drivers/mongo/chained-log.ts',
    from: "return createHash('sha256').update(canonical(content)).digest('hex')",
    to: "return createHash('sha256').update(canonical({ ...Object(content), body: null })).digest('hex')",
    project: 'integration',
    tests: 'admin',
    title: 'edited by hand',
  },
]
