import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ShardTrack } from '#consumers/usage/shard-track.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { BACKLOG, landed, onLog, type Run } from '#test/helpers/session-reading.ts'

test('a backlog goes to Redis in large slices, whatever the batches are, and its end at once', async () => {
  await onLog(1_300, async (shard, { session, calls, take }) => {
    for (let batch = 0; batch < 12; batch += 1) await take(100, BACKLOG)
    expect(session.isBusy).toBe(true)
    await take(100, 0)
    await landed(session)
    expect(calls).toEqual([400, 400, 400, 100])
    const { watermark } = await shard.position(0)
    expect([await shard.used(), watermark, session.isBusy]).toEqual([1_300, 1_299, false])
  })
})

test('what was gathered is not said to be covered, and is sent once nothing follows it', async () => {
  await onLog(40, async (shard, { session, calls, take }) => {
    await take(20, BACKLOG)
    session.sendIdle()
    await session.mark(null)
    expect([(await shard.position(0)).watermark, calls]).toEqual([-1, []])
    await take(20, BACKLOG)
    session.sendIdle()
    expect(session.isBusy).toBe(true)
    session.sendIdle()
    await landed(session)
    expect([await shard.used(), (await shard.position(0)).watermark, calls]).toEqual([40, 39, [40]])
  })
})

test('a batch that cannot be read to its end sends what was gathered before, and is counted once when it can', async () => {
  await onLog(1_150, async (shard, { session, calls, take, faults }) => {
    await take(50, BACKLOG)
    faults.isRegistryAway = true
    await expect(take(1_100, BACKLOG)).rejects.toThrow('the registry says nothing')
    expect(calls).toEqual([500, 500, 50])
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([1_050, 1_049])
    faults.isRegistryAway = false
    await take(1_100, 0)
    await session.settle()
    expect([await shard.used(), calls.at(-1)]).toEqual([1_150, 100])
  })
})

test('a mark does not overtake slices that were sent because they were full', async () => {
  const run: Run = async (shard, { session, take }) => {
    await take(1_000, BACKLOG)
    await session.mark(null)
    await session.settle()
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([1_000, 999])
  }
  await onLog(1_000, run, 4)
})

test('a full slice that was lost with its partition opens that anew: the next mark covers nothing', async () => {
  const run: Run = async (shard, { session, take, faults }) => {
    faults.isLost = true
    await take(500, BACKLOG)
    await landed(session)
    faults.isLost = false
    expect(await session.mark(null)).toBe('reopen')
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([0, -1])
  }
  await onLog(500, run, 4)
})

test('so does what was gathered and lost when the batch after it could not be read', async () => {
  await onLog(100, async (shard, { session, take, faults }) => {
    await take(50, BACKLOG)
    faults.isRegistryAway = true
    faults.isLost = true
    await expect(take(50, BACKLOG)).rejects.toThrow('the registry says nothing')
    faults.isLost = false
    expect(await session.mark(null)).toBe('reopen')
    expect([await shard.used(), (await shard.position(0)).watermark]).toEqual([0, -1])
  })
})

test('G12: what was gathered does not wait for a letter that Kafka does not take, and no mark passes its record', async () => {
  await onLog(100, async (shard, { session, take, faults }) => {
    await take(50, BACKLOG)
    faults.isLetterStuck = true
    void take(50, BACKLOG)
    await eventually(
      () => shard.used(),
      (used) => used === 50,
      { what: 'the 50 events before it to be counted', withinMs: 2_000 },
    )
    await session.mark(null)
    expect((await shard.position(0)).watermark).toBe(49)
  })
})

test('while Redis is silent heavy events are not read for ever', async () => {
  const run: Run = async (_shard, { session, take, faults }) => {
    faults.subjects = Array.from({ length: 4_000 }, (_, n) => `+${n}`)
    const silence = Promise.withResolvers<void>()
    faults.redis = silence.promise
    for (let n = 0; n < 7; n += 1) await take(1, BACKLOG)
    let isRead = false
    const last = take(1, BACKLOG).then(() => {
      isRead = true
    })
    for (let turn = 0; turn < 100; turn += 1) await nextTurn()
    expect(isRead).toBe(false)
    silence.resolve()
    await last
    await session.settle()
  }
  await onLog(8, run, 4)
})

test('a backlog is read on while Redis applies, up to what is gathered next', async () => {
  await onLog(800, async (shard, { session, take, faults }) => {
    const silence = Promise.withResolvers<void>()
    faults.redis = silence.promise
    await take(400, BACKLOG)
    await take(100, BACKLOG)
    let isRead = false
    const last = take(300, BACKLOG).then(() => {
      isRead = true
    })
    for (let turn = 0; turn < 100; turn += 1) await nextTurn()
    expect([isRead, session.position]).toEqual([false, 800])
    silence.resolve()
    await last
    await session.settle()
    expect(await shard.used()).toBe(800)
  })
})

test('one part of a batch is read in a turn of the event loop: what Redis answers is heard in between', async () => {
  await onLog(1_000, async (_shard, { session, parts, take }) => {
    const handled = take(1_000, BACKLOG)
    const seen = [1]
    while ((seen.at(-1) ?? 0) < 4) {
      await nextTurn()
      seen.push(parts.length)
    }
    expect(seen.every((count, turn) => count - (seen[turn - 1] ?? 1) <= 1)).toBe(true)
    await handled
    await session.settle()
    expect(parts).toEqual([250, 250, 250, 250])
  })
})

test('a session that ends sends what it gathered', async () => {
  await onLog(30, async (shard, { session, take }) => {
    await take(30, BACKLOG)
    await session.settle()
    expect(await shard.used()).toBe(30)
  })
})

test('traces of gathered batches end once, when all is in Redis, also where the batch after them cannot be read', async () => {
  await onLog(70, async (_shard, { session, take, ended, faults }) => {
    const untilEnded = (batches: readonly number[]): Promise<unknown> =>
      eventually(
        async () => [...ended],
        (own) => own.length >= batches.length,
        { what: `the traces of ${batches} to end`, withinMs: 20_000 },
      ).then((own) => expect(own).toEqual(batches))
    await take(20, BACKLOG)
    await take(30, BACKLOG)
    faults.isRegistryAway = true
    await expect(take(20, BACKLOG)).rejects.toThrow('the registry says nothing')
    expect(ended).toEqual([])
    session.sendIdle()
    session.sendIdle()
    await untilEnded([20, 30])
    faults.isRegistryAway = false
    const silence = Promise.withResolvers<void>()
    faults.redis = silence.promise
    await take(20, 0)
    for (let turn = 0; turn < 20; turn += 1) await nextTurn()
    expect(ended).toEqual([20, 30])
    silence.resolve()
    await untilEnded([20, 30, 20])
  })
})

test('a session of which nothing waits sends nothing, however often it is asked', async () => {
  await onLog(20, async (_shard, { session, take }) => {
    await take(20, 0)
    await landed(session)
    const send = vi.spyOn(ShardTrack.prototype, 'send')
    onTestFinished(() => send.mockRestore())
    for (let tick = 0; tick < 5; tick += 1) session.sendIdle()
    expect(send).not.toHaveBeenCalled()
  })
})
