import { Redis } from 'ioredis'
import { afterAll, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/instant.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { LoggedShard } from '#test/helpers/logged-shard.ts'
import { dumpShard, setBack, wipe } from '#test/simulator/disasters.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const redis = new Redis(engineAddresses().redis)
afterAll(() => redis.quit())

async function onShard(run: (shard: LoggedShard) => Promise<void>): Promise<void> {
  const shard = new LoggedShard(redis)
  await run(shard).finally(() => wipe(redis, shard.keys))
}

/** A shard that has counted so many events of one unit. */
async function counted(shard: LoggedShard, events: number): Promise<void> {
  for (let n = 0; n < events; n += 1) shard.append(0, { id: `old${n}`, at: NOW - HOUR_MS + n })
  await shard.rebuild()
  await shard.count(0, { upto: events - 1 })
}

/** A shard that counted ten events into a snapshot, and whose Redis went back to where it had counted fewer. */
async function wentBack(shard: LoggedShard, { upto }: { readonly upto: number }): Promise<void> {
  for (let n = 0; n < 10; n += 1) shard.append(0, { id: `old${n}`, at: NOW - HOUR_MS + n })
  await shard.rebuild()
  await shard.count(0, { upto })
  const before = await dumpShard(redis, shard.keys)
  await shard.count(0, { upto: 9 })
  await shard.snapshot()
  await setBack(redis, shard.keys, before)
}

/** A rebase that is killed in one of its steps. */
async function rebaseDying(shard: LoggedShard, step: 'append' | 'claim'): Promise<void> {
  const dying = step === 'append' ? shard.snapshots : shard.incarnations
  Object.assign(dying, { [step]: () => Promise.reject(new Error('killed')) })
  await expect(shard.rebase()).rejects.toThrow('killed')
  Reflect.deleteProperty(dying, step)
}

test('G4, G5: a Redis that forgot a rebase is refused, rebuilt from it, and counts all of the new log', async () => {
  await onShard(async (shard) => {
    await counted(shard, 10)
    const before = await dumpShard(redis, shard.keys)
    shard.logs[0] = []
    expect(await shard.rebase()).toEqual(['made anew'])
    for (const id of ['n0', 'n1']) shard.append(0, { id, at: NOW })
    const { incarnation } = await shard.position(0)
    const own = { incarnation: incarnation ?? '' }
    expect(await shard.count(0, { upto: 1, ...own })).toBe('OK')

    await setBack(redis, shard.keys, before)
    for (const id of ['n2', 'n3']) shard.append(0, { id, at: NOW })
    expect(await shard.count(0, { upto: 3, known: 1, ...own })).toBe('INC')
    const [position] = await shard.keeper().positions(0, () => true)
    expect(position?.watermark).toBe(-1)
    await shard.count(0, { upto: 3 })
    expect(await shard.used()).toBe(14)
  })
})

test('rebase: one that dies at any step loses nothing that was counted, whoever starts then', async () => {
  for (const dies of ['append', 'claim'] as const) {
    await onShard(async (shard) => {
      await counted(shard, 4)
      await shard.snapshot()
      for (let n = 4; n < 10; n += 1) shard.append(0, { id: `old${n}`, at: NOW - HOUR_MS + n })
      await shard.count(0, { upto: 9 })
      shard.logs[0] = []
      await rebaseDying(shard, dies)
      const [position] = await shard.keeper().positions(0, () => true)
      expect([position?.watermark, await shard.used()], dies).toEqual([9, 10])
      await shard.rebase()
      shard.append(0, { id: 'new', at: NOW })
      await shard.count(0, { upto: 0 })
      expect(await shard.used(), dies).toBe(11)
    })
  }
})

test('rebase: a Redis that forgot it is in no snapshot', async () => {
  await onShard(async (shard) => {
    await counted(shard, 5)
    const before = await dumpShard(redis, shard.keys)
    shard.logs[0] = []
    await shard.rebase()
    await setBack(redis, shard.keys, before)
    await shard.snapshot()
    for (let n = 0; n < 6; n += 1) shard.append(0, { id: `n${n}`, at: NOW + n })
    await shard.keeper().positions(0, () => true)
    await shard.count(0, { upto: 5 })
    expect(await shard.used()).toBe(11)
  })
})

test('rebase: a shard whose Redis went back keeps what a snapshot holds of it and the log has lost', async () => {
  await onShard(async (shard) => {
    await wentBack(shard, { upto: 6 })
    shard.logs[0] = (shard.logs[0] ?? []).slice(0, 5)
    for (const id of ['n0', 'n1']) shard.append(0, { id, at: NOW })
    expect(await shard.rebase()).toEqual(['lost its end'])
    await shard.keeper().positions(0, () => true)
    await shard.count(0, { upto: 6 })
    expect(await shard.used()).toBe(12)
  })
})

test('rebase: one that dies at any step keeps what a snapshot holds more than Redis, when it runs again', async () => {
  for (const dies of ['append', 'claim'] as const) {
    await onShard(async (shard) => {
      await wentBack(shard, { upto: 2 })
      shard.logs[0] = []
      shard.append(0, { id: 'new', at: NOW })
      await rebaseDying(shard, dies)
      expect(await shard.rebase(), dies).toEqual(['made anew'])
      await shard.keeper().positions(0, () => true)
      await shard.count(0, { upto: 0 })
      expect(await shard.used(), dies).toBe(11)
    })
  }
})

test('rebase: a Redis that forgot the rebase before says nothing of the log that there is now', async () => {
  await onShard(async (shard) => {
    await counted(shard, 20)
    const before = await dumpShard(redis, shard.keys)
    shard.logs[0] = []
    await shard.rebase()
    for (let n = 0; n < 8; n += 1) shard.append(0, { id: `n${n}`, at: NOW + n })
    await shard.count(0, { upto: 7 })
    await shard.snapshot()
    await setBack(redis, shard.keys, before)
    expect(await shard.rebase()).toEqual([])
    shard.logs[0] = (shard.logs[0] ?? []).slice(0, 5)
    expect(await shard.rebase()).toEqual(['lost its end'])
    await shard.keeper().positions(0, () => true)
    shard.append(0, { id: 'next', at: NOW + 9 })
    await shard.count(0, { upto: 5 })
    expect(await shard.used()).toBe(29)
  })
})

test('rebase: the new log counts also for a workspace of which a rebuild restored no counter', async () => {
  await onShard(async (shard) => {
    for (const id of ['seen0', 'seen1']) shard.append(0, { id, at: NOW - HOUR_MS })
    shard.logs[0] = (shard.logs[0] ?? []).map((event) => ({ ...event, changes: [] }))
    await shard.rebuild()
    await shard.count(0, { upto: 0 })
    await shard.snapshot(() => shard.count(0, { upto: 1 }))
    await wipe(redis, shard.keys)
    await shard.rebuild()
    shard.logs[0] = []
    await shard.rebase()
    for (const id of ['n0', 'n1']) shard.append(0, { id, at: NOW })
    await shard.count(0, { upto: 1 })
    expect(await shard.used()).toBe(2)
  })
})

test('G5: a log that ends before what a snapshot holds is known for another one, though Redis went back', async () => {
  await onShard(async (shard) => {
    await wentBack(shard, { upto: 2 })
    const keeper = shard.keeper()
    const kept = async (partition: number): Promise<number> =>
      keeper.kept(partition, [await shard.position(partition)])
    expect(await Promise.all([kept(0), kept(0), kept(1)])).toEqual([9, 9, -1])
    shard.snapshots.headers = () => Promise.reject(new Error('no MongoDB'))
    expect(await kept(0)).toBe(-1)
  })
})

test('G4, G5: a consumer that slept through a rebase notices a Redis that forgot it', async () => {
  await onShard(async (shard) => {
    await counted(shard, 10)
    const keeper = shard.keeper()
    await keeper.positions(0, () => true)
    const before = await dumpShard(redis, shard.keys)
    shard.logs[0] = []
    await shard.rebase()
    expect((await keeper.positions(0, () => true))[0]?.watermark).toBe(-1)
    await setBack(redis, shard.keys, before)
    expect((await keeper.positions(0, () => true))[0]?.watermark).toBe(-1)
  })
})

test('rebuild: a shard of which a snapshot has more than the log is left as it is', async () => {
  await onShard(async (shard) => {
    await counted(shard, 4)
    await shard.snapshot()
    shard.append(0, { id: 'later', at: NOW })
    await shard.count(0, { upto: 4 })
    shard.logs[0] = []
    await expect(shard.rebuild()).rejects.toThrow('partition 0 ends at 0, but was counted up to 3')
    expect(await shard.used()).toBe(5)
  })
})

test('G4: a consumer of the log before changes nothing after a rebase', async () => {
  await onShard(async (shard) => {
    await counted(shard, 6)
    const { incarnation } = await shard.position(0)
    for (const id of ['late6', 'late7']) shard.append(0, { id, at: NOW })
    const old = shard.logs[0] ?? []
    shard.logs[0] = []
    await shard.rebase()
    for (let n = 0; n < 7; n += 1) shard.append(0, { id: `n${n}`, at: NOW + n })
    const anew = shard.logs[0]
    await shard.count(0, { upto: 6 })
    shard.logs[0] = old
    expect(await shard.count(0, { upto: 7, known: 5, incarnation: incarnation ?? '' })).toBe('INC')
    shard.logs[0] = anew
    expect(await shard.used()).toBe(13)
  })
})

test('G1: a log that lost its end is not counted from its start again, and what follows counts', async () => {
  await onShard(async (shard) => {
    for (let day = 13; day >= 0; day -= 1)
      shard.append(0, { id: `d${day}`, at: NOW - day * DAY_MS, units: 100 })
    await shard.rebuild()
    for (let upto = 0; upto < 14; upto += 1) await shard.count(0, { upto })
    await shard.forget()
    shard.logs[0] = (shard.logs[0] ?? []).slice(0, 12)
    expect(await shard.rebase()).toEqual(['lost its end'])
    shard.append(0, { id: 'next', at: NOW + 1, units: 7 })
    expect(await shard.count(0, { upto: 12 })).toBe('OK')
    expect(await shard.used()).toBe(1_407)
    await wipe(redis, shard.keys)
    await shard.rebuild()
    await shard.count(0, { upto: 12 })
    expect(await shard.used()).toBe(1_407)
  })
})

test('rebase: a log that lost its end and outgrew what was counted goes on where that stands; a whole one is refused', async () => {
  await onShard(async (shard) => {
    await counted(shard, 10)
    await expect(shard.rebase([0])).rejects.toThrow('partition 0 holds all that was counted of it')
    shard.logs[0] = (shard.logs[0] ?? []).slice(0, 7)
    for (let n = 0; n < 5; n += 1) shard.append(0, { id: `n${n}`, at: NOW + n })
    expect(await shard.rebase()).toEqual([])
    expect(await shard.rebase([0])).toEqual(['lost its end'])
    await shard.count(0, { upto: 11 })
    expect(await shard.used()).toBe(15)
  })
})

test('rebase: a log made anew that was counted on as the old one is counted from its start where the operator says so', async () => {
  await onShard(async (shard) => {
    await counted(shard, 5)
    shard.logs[0] = []
    for (let n = 0; n < 8; n += 1) shard.append(0, { id: `n${n}`, at: NOW + n })
    await shard.count(0, { upto: 7 })
    expect(await shard.used()).toBe(8)
    await expect(shard.rebase([0])).rejects.toThrow('or say --from-start')
    expect(await shard.rebase([0], true)).toEqual(['made anew'])
    await shard.count(0, { upto: 7 })
    expect(await shard.used()).toBe(13)
  })
})

test('G5: a Redis that went back further than the log reaches is restored from the snapshot that holds it', async () => {
  await onShard(async (shard) => {
    await wentBack(shard, { upto: 1 })
    await shard.snapshot()
    shard.cut(0, 8)
    const [range] = shard.ranges()
    if (range === undefined) throw new Error('no partition')
    const keeper = shard.keeper()
    expect(await keeper.restored([await shard.position(0)], range)).toBe(true)
    expect(await keeper.restored([await shard.position(0)], range)).toBe(false)
    await shard.count(0, { upto: 8 })
    expect([await shard.used(), await redis.hget(shard.keys.meta, 'lb:0')]).toEqual([10, null])
    shard.cut(0, 9)
    await wipe(redis, shard.keys)
    await shard.rebuild()
    shard.append(0, { id: 'later', at: NOW })
    shard.cut(0, 10)
    const [cut] = shard.ranges()
    expect(
      await keeper.restored([await shard.position(0)], cut ?? range),
      'what a snapshot restored is there',
    ).toBe(false)
  })
})
