import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, prepare, routeNamed, type Wish } from '#test/helpers/contract-routes.ts'
import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import { ALLOWED_AND_ABSENT, twoWorkspaces } from '#test/helpers/two-workspaces.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'

function defaultCatalogueSource(): unknown {
  return JSON.parse(readFileSync('deploy/catalogue.json', 'utf8'))
}

let system: System
let own: TestWorkspace
let foreign: TestWorkspace
/** Every scope, for one workspace alone. */
let key: string
beforeAll(async () => {
  ;({ system, own, foreign, key } = await twoWorkspaces())
}, 120_000)
afterAll(() => system.stop())

/** A dead letter of a workspace. */
async function letterOf(workspace: TestWorkspace): Promise<string> {
  await workspace.send('AiCallEvent', { function: 'telepathy', credits: null })
  const route = routeNamed('GET /v1/dead-letters')
  const query = `?workspace=${workspace.id}`
  const { body } = await eventually(
    () => ask(system, route, { workspace: workspace.id, token: system.key, query }),
    (answer) => JSON.parse(answer.body).letters.length > 0,
    { what: 'the letter to be kept' },
  )
  return String(JSON.parse(body).letters[0].id)
}

describe('G21: wherever else an id may stand, a foreign one looks like an absent one', () => {
  interface Position {
    readonly route: string
    readonly status: number
    /** The request with a foreign id, and with one that nobody has. */
    readonly foreign: () => Promise<Partial<Wish>>
    readonly absent: () => Partial<Wish>
  }
  const lead = (workspace: string): object => {
    const id = `g21-${workspace}`
    const fields = { leadId: 'l', action: 'created', source: 'crm', occurredAt: new Date().toISOString() }
    return { record: 'LeadEvent', workspace, id, ...fields }
  }
  const NO_LETTER = '0000000000000000001-7-99999'
  const positions: Readonly<Record<string, Position>> = {
    'the only event': {
      route: 'POST /v1/events',
      status: 404,
      foreign: async () => ({ workspace: foreign.id, body: { events: [lead(foreign.id)] } }),
      absent: () => ({ workspace: 'w-nobody', body: { events: [lead('w-nobody')] } }),
    },
    'the second event': {
      route: 'POST /v1/events',
      status: 404,
      foreign: async () => ({ workspace: foreign.id, body: { events: [lead(own.id), lead(foreign.id)] } }),
      absent: () => ({ workspace: 'w-nobody', body: { events: [lead(own.id), lead('w-nobody')] } }),
    },
    'a reservation to commit': {
      route: 'POST /v1/reservations/{id}/commit',
      status: 409,
      foreign: async () => ({
        id: await prepare(system, routeNamed('POST /v1/reservations/{id}/commit'), foreign.id),
      }),
      absent: () => ({ id: 'g21-of-nobody' }),
    },
    'a reservation to release': {
      route: 'POST /v1/reservations/{id}/release',
      status: 404,
      foreign: async () => ({
        id: await prepare(system, routeNamed('POST /v1/reservations/{id}/release'), foreign.id),
      }),
      absent: () => ({ id: 'g21-of-nobody' }),
    },
    'a dead letter': {
      route: 'GET /v1/dead-letters/{id}',
      status: 404,
      foreign: async () => ({ id: await letterOf(foreign) }),
      absent: () => ({ id: NO_LETTER }),
    },
    'the workspace of dead letters': {
      route: 'GET /v1/dead-letters',
      status: 404,
      foreign: async () => ({ query: `?workspace=${foreign.id}`, workspace: foreign.id }),
      absent: () => ({ query: '?workspace=w-nobody', workspace: 'w-nobody' }),
    },
    'the cursor of dead letters': {
      route: 'GET /v1/dead-letters',
      status: 200,
      foreign: async () => ({ query: `?workspace=${own.id}&cursor=${await letterOf(foreign)}` }),
      absent: () => ({ query: `?workspace=${own.id}&cursor=9000000000000000001-7-99999` }),
    },
    'the cursor of orders': {
      route: 'GET /v1/workspaces/{ws}/orders',
      status: 400,
      foreign: async () => ({ query: '?cursor=order-of-foreign' }),
      absent: () => ({ query: '?cursor=order-of-nobody' }),
    },
    'the cursor of a what-if': {
      route: 'POST /v1/what-if',
      status: 200,
      foreign: async () => ({ body: { catalogue: defaultCatalogueSource(), cursor: foreign.id } }),
      absent: () => ({
        body: { catalogue: defaultCatalogueSource(), cursor: `${foreign.id}0` },
      }),
    },
  }

  test.for(Object.entries(positions))('%s', async ([, { route, status, foreign: theirs, absent }]) => {
    const asked = { workspace: own.id, token: key }
    const answer = await ask(system, routeNamed(route), { ...asked, ...(await theirs()) })
    expect(answer.status, answer.body).toBe(status)
    expect(answer).toEqual(await ask(system, routeNamed(route), { ...asked, ...absent() }))
    expect(answer.body).not.toContain(foreign.id)
  })

  test('of two events neither is taken when one names a foreign workspace', async () => {
    const events = [lead(own.id), lead(foreign.id)]
    const response = await ask(system, routeNamed('POST /v1/events'), {
      workspace: own.id,
      token: key,
      body: { events },
    })
    expect(response.status).toBe(404)
    const mine = await ask(system, routeNamed('POST /v1/events'), {
      workspace: own.id,
      token: key,
      body: { events: [lead(own.id)] },
    })
    expect(mine.status).toBe(200)
  })

  test('a what-if says of no plan that others use it, and of one’s own plan that one does', async () => {
    await foreign.subscribe({ plan: 'pro' }, { type: 'upgraded' })
    const proposing = async (without: string, token: string): Promise<readonly [number, boolean]> => {
      const catalogue = Object(defaultCatalogueSource())
      Reflect.deleteProperty(catalogue.plans, without)
      const wish = { workspace: '?', token, body: { catalogue } }
      const { status, body } = await ask(system, routeNamed('POST /v1/what-if'), wish)
      return [status, body.includes(`plans.${without}: is in use`)]
    }
    expect(await proposing('pro', system.key)).toEqual([422, true])
    expect(await proposing('pro', key)).toEqual([200, false])
    expect(await proposing('base', key)).toEqual([422, true])
  })

  test('every page of a what-if and of the nearest limits names the key’s own workspaces alone', async () => {
    const many = [own.id, ALLOWED_AND_ABSENT, ...Array.from({ length: 250 }, (_, n) => `w-own-${n}`)]
    const token = await system.createKey({ scopes: ['usage:read'], workspaces: many })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const body = { catalogue: defaultCatalogueSource(), ...(cursor === '' ? {} : { cursor }) }
      const page = JSON.parse(
        (await ask(system, routeNamed('POST /v1/what-if'), { workspace: '?', token, body })).body,
      )
      cursor = page.cursor
      if (cursor !== null) seen.push(cursor)
    }
    expect(seen).toHaveLength(1)
    expect(many).toContain(seen[0])
    const nearest = await ask(system, routeNamed('GET /v1/usage'), {
      workspace: '?',
      token,
      query: '?atLeast=50',
    })
    expect(nearest.status).toBe(200)
    const named = JSON.parse(nearest.body).usage.map(({ workspace }: { workspace: string }) => workspace)
    expect(named.filter((id: string) => !many.includes(id))).toEqual([])
  })
})
