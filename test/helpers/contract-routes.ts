import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { contractText } from '#api/contract.ts'
import { answered } from './eventually.ts'
import type { System } from './system.ts'

/** Routes that are open to all. */
const OPEN = ['/healthz', '/readyz', '/openapi.json', '/metrics', '/']

/** What a route needs beside the workspace; a route with a body that stands not here fails the test. */
export const bodies: Readonly<Record<string, object>> = {
  'POST /v1/check': { feature: 'leads' },
  'POST /v1/checks': { items: [{ feature: 'leads', quantity: 1 }] },
  'POST /v1/quote': { seats: 2 },
  'POST /v1/what-if': { seats: 5 },
  'POST /v1/consume': { id: 'g21', items: [{ feature: 'leads' }] },
  'POST /v1/reservations': { id: 'g21-open', items: [{ feature: 'leads' }], ttlMs: 60_000 },
  'POST /v1/reservations/{id}/commit': {},
  'POST /v1/reservations/{id}/release': {},
  'PUT /v1/workspaces/{ws}/overrides/{feature}': { limit: 5_000, reason: 'r' },
  'DELETE /v1/workspaces/{ws}/overrides/{feature}': { reason: 'r' },
}
/** A route of the contract. */
export interface Route {
  readonly name: string
  readonly method: string
  readonly path: string
}

const { paths } = JSON.parse(await contractText()) as {
  paths: Record<string, Record<string, { security?: unknown }>>
}
/** Every route that needs a key. */
export const routes = Object.entries(paths).flatMap(([path, methods]) =>
  Object.keys(methods)
    .filter(() => !OPEN.includes(path))
    .map(
      (method): Route => ({ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path }),
    ),
)

/** What was answered, without what differs by itself. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/** A request to a route. */
export interface Wish {
  readonly workspace: string
  readonly token: string | null
  /** For `{id}` in the path. */
  readonly id?: string
  readonly query?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks until the answer is none of 503; what differs by itself from answer to answer is taken out of the text. */
export function ask(system: System, route: Route, wish: Wish): Promise<Answer> {
  return answered(() => askOnce(system, route, wish), route.name)
}

async function askOnce(system: System, { name, method, path }: Route, wish: Wish): Promise<Answer> {
  const { workspace, token, id = 'g21-settled', query = '' } = wish
  const filled = path
    .replace('{ws}', encodeURIComponent(workspace))
    .replace('{feature}', 'leads')
    .replace('{id}', encodeURIComponent(id))
  const needsBody = method !== 'GET'
  const body = wish.body ?? { ...bodies[name], ...(path.includes('{ws}') ? {} : { workspace }) }
  const usage = path.endsWith('{ws}/usage') ? '?feature=leads' : ''
  const response = await fetch(new URL(`${filled}${query === '' ? usage : query}`, system.api), {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(needsBody ? { 'content-type': 'application/json' } : {}),
      ...wish.headers,
    },
    ...(needsBody ? { body: JSON.stringify(body) } : {}),
  })
  const text = (await response.text()).replaceAll(workspace, '<workspace>').replaceAll(id, '<id>')
  return { status: response.status, body: text.replace(/,?"request":"[^"]*"/, '') }
}

/** A route by method and path. */
export function routeNamed(name: string): Route {
  const found = routes.find((route) => route.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** Makes there be what the route resolves, ends or reads: each needs one of its own. */
export async function prepare(system: System, { name }: Route, workspace: string): Promise<string> {
  const id = `g21-${randomUUID().slice(0, 8)}`
  const by = { workspace, token: system.key }
  if (name.includes('/reservations/{id}/')) {
    const body = { workspace, id, items: [{ feature: 'leads' }], ttlMs: 60_000 }
    expect((await ask(system, routeNamed('POST /v1/reservations'), { ...by, body })).status).toBe(200)
  }
  if (name.startsWith('DELETE ')) {
    const set = routeNamed('PUT /v1/workspaces/{ws}/overrides/{feature}')
    expect((await ask(system, set, by)).status).toBe(200)
  }
  return id
}
