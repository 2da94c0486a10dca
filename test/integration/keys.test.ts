import { afterEach, expect, test, vi } from 'vitest'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { KeyStore } from '#drivers/mongo/key-store.ts'
import { TcpProxy } from '#test/chaos/tcp-proxy.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const change = { at: Date.now(), by: { kind: 'cli', id: 'test', label: 'test' } } as const
const wish = { scopes: ['check'], workspaces: '*', label: 'test', expiresAt: null } as const

/** A store of an API whose MongoDB takes some time, with a key that it knows and that somebody else has revoked. */
async function withRevokedKey(takesMs: number) {
  const url = new URL(engineAddresses().mongo)
  const proxy = await TcpProxy.open(Number(url.port))
  const direct = await connectMongo(url.href)
  url.port = String(proxy.port)
  const mongo = await connectMongo(url.href)
  const store = new KeyStore(mongo.db, 'pepper', { guard: (work) => work(), withinMs: 50 })
  const key = await store.create(wish, change)
  expect(await store.authenticate(key, Date.now())).not.toBe(null)
  await new KeyStore(direct.db, 'pepper').revoke(key.slice(8, 16), Date.now(), change)
  proxy.set({ kind: 'delay', ms: takesMs / 2 })
  const later = performance.now()
  const laterBy = (ms: number): void => {
    vi.spyOn(performance, 'now').mockReturnValue(later + ms)
  }
  const close = async (): Promise<void> => {
    proxy.set({ kind: 'reset' })
    await Promise.all([mongo.close(), direct.close()])
    await proxy.close()
  }
  return { store, key, laterBy, close }
}

test('a key that was revoked while nobody used it is refused, though MongoDB is slower than a check may be', async () => {
  const { store, key, laterBy, close } = await withRevokedKey(200)
  laterBy(60_000)
  expect(await store.authenticate(key, Date.now())).toBe(null)
  await close()
})

test('within five seconds a check waits for a slow MongoDB no longer than it may, and the next one knows', async () => {
  const { store, key, laterBy, close } = await withRevokedKey(200)
  laterBy(4_500)
  expect(await store.authenticate(key, Date.now())).not.toBe(null)
  laterBy(5_000)
  expect(await store.authenticate(key, Date.now())).toBe(null)
  await close()
})

test('a MongoDB that takes longer than half a second is away: one check waits for it, and what is known stands', async () => {
  const { store, key, laterBy, close } = await withRevokedKey(3_000)
  laterBy(60_000)
  const waitedFor = async (): Promise<number> => {
    const startedAt = Date.now()
    expect(await store.authenticate(key, Date.now())).not.toBe(null)
    return Date.now() - startedAt
  }
  expect(await waitedFor()).toBeGreaterThan(400)
  expect(await waitedFor()).toBeLessThan(400)
  await close()
})

test('a key that is revoked from a machine whose clock is ahead ends all the same', async () => {
  const { db, close } = await connectMongo(engineAddresses().mongo)
  const [api, cli] = [new KeyStore(db, 'pepper'), new KeyStore(db, 'pepper')]
  const key = await cli.create(wish, change)
  const id = key.slice(8, 16)
  const ahead = Date.now() + 600_000
  await cli.revoke(id, ahead + 3_600_000, { ...change, at: ahead })
  expect(await api.authenticate(key, Date.now()), 'an end that is to come').not.toBe(null)
  await cli.revoke(id, ahead, { ...change, at: ahead })
  expect(await new KeyStore(db, 'pepper').authenticate(key, Date.now())).toBe(null)
  expect(await cli.rotate(id, { endsAt: Date.now() }, { ...change, at: Date.now() })).toBe(null)
  const listed = (await cli.list()).find((one) => one.id === id)
  expect(listed?.revokedAt, 'by the clock of who revoked it').toBe(ahead)
  await close()
})

test('what was told of a key is as old as the question: one that is revoked meanwhile ends within 5 s, however late the answer', async () => {
  const { db, close } = await connectMongo(engineAddresses().mongo)
  const store = new KeyStore(db, 'pepper')
  const key = await store.create(wish, change)
  const clock = vi.spyOn(performance, 'now').mockReturnValue(60_000)
  const asked = store.authenticate(key, Date.now())
  clock.mockReturnValue(61_900)
  expect(await asked).not.toBe(null)
  clock.mockReturnValue(63_900)
  expect(store.known(key, Date.now())).not.toBe(null)
  clock.mockReturnValue(64_100)
  expect(store.known(key, Date.now())).toBe(null)
  await close()
})
