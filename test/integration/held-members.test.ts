import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedSystem } from '#test/helpers/shared-system.ts'
import type { System } from '#test/helpers/system.ts'
import { TestWorkspace } from '#test/helpers/workspace.ts'

let system: System
beforeAll(async () => {
  system = await sharedSystem()
})
afterAll(() => system.stop())

test('G7: a member that leaves while it is reserved keeps its place, and one that joins is not held beside it', async () => {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe({ plan: 'base' })
  const number = (subject: string): object => ({ items: [{ feature: 'whatsapp_numbers', subject }] })
  const question = { feature: 'whatsapp_numbers', subject: '+552' }
  const use = async (path: string, body: object): Promise<unknown> => {
    const response = await workspace.post(path, { workspace: workspace.id, ...body })
    expect(response.status).toBe(200)
    return response.json()
  }
  await use('/v1/consume', { id: 'c1', ...number('+551') })
  await workspace.check({ ...question, after: 'c~c1~0' })
  await use('/v1/reservations', { id: 'r1', ...number('+551'), ttlMs: 60_000 })
  await workspace.send('WhatsappNumberEvent', { number: '+551', action: 'disconnected' })
  await workspace.counted()
  expect(await workspace.check(question)).toMatchObject({ allowed: false, used: 0, held: 1 })
  const other = { id: 'c2', ...number('+552') }
  expect(await use('/v1/consume', other)).toMatchObject({ allowed: false })
  await use('/v1/reservations', { id: 'r2', ...number('+551'), ttlMs: 60_000 })
  await use('/v1/reservations/r1/commit', {})
  expect(await workspace.check({ ...question, after: 'c~r1~0' })).toMatchObject({ used: 1, held: 0 })
  await workspace.override('whatsapp_numbers', { limit: 2 })
  expect(await use('/v1/consume', other)).toMatchObject({ allowed: true })
  expect(await workspace.check({ ...question, after: 'c~c2~0' })).toMatchObject({
    used: 2,
    held: 0,
    limit: 2,
  })
  await use('/v1/reservations/r2/release', {})
  expect(await workspace.check(question)).toMatchObject({ used: 2, held: 0 })
})
