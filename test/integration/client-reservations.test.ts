import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { TallygateClient, UncommittedUseError } from '#client/client.ts'
import { eventually } from '#test/helpers/eventually.ts'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { subscribedWorkspace } from '#test/helpers/workspace.ts'

let system: System
let client: TallygateClient
beforeAll(async () => {
  system = await sharedSystem()
  client = new TallygateClient({ url: system.api, key: system.key })
})
afterAll(() => system.stop())

const credits = (quantity: number) => ({ feature: 'ai_credits', quantity })

describe('reservations', () => {
  test('reserve, commit a part, and the rest is free; release gives all of it back', async () => {
    const workspace = await subscribedWorkspace(system)
    const { id, held, expiresAt } = await client.reserve({ workspace, items: [credits(700)], ttlMs: 60_000 })
    expect(held).toBe(true)
    expect(Date.parse(expiresAt ?? '')).toBeGreaterThan(Date.now() + 50_000)
    expect((await client.check({ workspace, ...credits(51) })).allowed).toBe(false)
    const committed = await client.commit({ workspace, id, quantities: [100] })
    expect(committed).toMatchObject({ reservation: id, quantities: [100], replayed: false })
    expect(await client.commit({ workspace, id, quantities: [100] })).toMatchObject({ replayed: true })
    const [after] = committed.eventIds
    expect(await client.check({ workspace, feature: 'ai_credits', after })).toMatchObject({ remaining: 650 })
    const other = await client.reserve({ workspace, items: [credits(650)] })
    await client.release({ workspace, id: other.id })
    await client.release({ workspace, id: other.id })
    expect(await client.check({ workspace, ...credits(650) })).toMatchObject({ allowed: true, held: 0 })
    await expect(client.commit({ workspace, id: other.id })).rejects.toMatchObject({
      code: 'already_resolved',
    })
  })

  test('withReservation commits what the work used, releases when it throws, and does not begin when denied', async () => {
    const workspace = await subscribedWorkspace(system)
    const request = { workspace, items: [credits(700)] }
    const done = await client.withReservation(request, async ({ granted, held, use }) => {
      expect([granted, held]).toEqual([[700], true])
      expect(await client.check({ workspace, feature: 'ai_credits' })).toMatchObject({ held: 700 })
      use([30])
      return 'a summary'
    })
    expect(done).toMatchObject({ allowed: true, value: 'a summary', committed: { quantities: [30] } })
    const after = done.allowed ? done.committed?.eventIds[0] : undefined
    expect(await client.check({ workspace, feature: 'ai_credits', after })).toMatchObject({
      used: 30,
      held: 0,
    })
    const failing = client.withReservation(request, async () =>
      Promise.reject(new Error('the model is away')),
    )
    await expect(failing).rejects.toThrow('the model is away')
    expect(await client.check({ workspace, feature: 'ai_credits' })).toMatchObject({ used: 30, held: 0 })
    let begun = false
    const denied = await client.withReservation({ workspace, items: [credits(721)] }, () => {
      begun = true
    })
    expect(denied).toMatchObject({ allowed: false, decisions: [{ reason: 'limit_reached' }] })
    expect(begun).toBe(false)
  })

  test('withReservation begins no work with an id whose reservation is over, and goes on with one that is not', async () => {
    const workspace = await subscribedWorkspace(system)
    const request = { workspace, id: 'job-1', items: [credits(10)] }
    const broken = new Error('the model is away')
    await expect(client.withReservation(request, () => Promise.reject(broken))).rejects.toBe(broken)
    let begun = 0
    const work = (): void => {
      begun += 1
    }
    await expect(client.withReservation(request, work)).rejects.toMatchObject({
      code: 'expired',
      operation: 'job-1',
      message: expect.stringContaining('give another id'),
    })
    expect(begun).toBe(0)
    expect(await client.reserve(request)).toMatchObject({ allowed: true, replayed: true, held: false })
    const crashed = { ...request, id: 'job-2' }
    const first = await client.reserve(crashed)
    const again = await client.withReservation(crashed, work)
    expect([first.held, again, begun]).toMatchObject([true, { committed: { quantities: [10] } }, 1])
    await expect(client.withReservation(crashed, work)).rejects.toMatchObject({ code: 'expired' })
  })

  test.for([-60_000, -20, 60_000])(
    'withReservation does work once, whatever the clock of its caller: by %i ms',
    async (aheadMs) => {
      const workspace = await subscribedWorkspace(system)
      const clock = Date.now
      const ours = vi.spyOn(Date, 'now').mockImplementation(() => clock() + aheadMs)
      onTestFinished(() => ours.mockRestore())
      let begun = 0
      const work = (): void => {
        begun += 1
      }
      const request = { workspace, id: 'job-1', items: [credits(10)] }
      const done = await client.withReservation(request, work)
      await expect(client.withReservation(request, work)).rejects.toMatchObject({ code: 'expired' })
      expect([begun, done]).toMatchObject([1, { committed: { quantities: [10] } }])
      const crashed = { ...request, id: 'job-2' }
      await client.reserve(crashed)
      expect(await client.withReservation(crashed, work)).toMatchObject({ committed: { quantities: [10] } })
      expect(begun).toBe(2)
    },
  )

  test('work that outlives its reservation is told so, and its value comes with the error named expired', async () => {
    const workspace = await subscribedWorkspace(system)
    const late = client.withReservation(
      { workspace, items: [credits(10)], ttlMs: 300 },
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        await eventually(
          () => client.check({ workspace, feature: 'ai_credits' }),
          ({ held }) => held === 0,
          { what: 'the hold to be given back' },
        )
        return `late: ${signal.reason.code}`
      },
    )
    const failure = await late.catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UncommittedUseError)
    expect(failure).toMatchObject({ code: 'expired', status: 409, value: 'late: expired', workspace })
  })
})
