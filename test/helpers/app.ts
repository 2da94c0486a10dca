import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createApp } from '#api/app.ts'
import type { ApiContext } from '#api/context.ts'
import type { ApiKey } from '#core/api-key.ts'
import { unhurried } from '#core/operations/read-workspace.ts'
import { apiMetrics } from '#drivers/metrics.ts'
import { defaultCatalogue } from './facts.ts'

/** The API without a socket, with a key for everything, the default catalogue and what a test gives it. */
export async function appWith(
  given: Partial<ApiContext> & { readonly now: number },
): Promise<FastifyInstance> {
  return createApp(contextWith(given), pino({ level: 'silent' }))
}

/** What such an API is made of. */
export function contextWith(given: Partial<ApiContext> & { readonly now: number }): ApiContext {
  const absent = (): never => {
    throw new Error('this test gives nothing to answer that from')
  }
  const catalogue = defaultCatalogue()
  const key: ApiKey = {
    id: 'AAAAAAAA',
    label: 'test',
    scopes: ['check', 'consume', 'events:write', 'usage:read', 'admin'],
    workspaces: '*',
    createdAt: 0,
    expiresAt: null,
  }
  const { now, ...context } = given
  const base: ApiContext = {
    check: {
      counters: { read: absent },
      facts: { current: absent, load: absent, refresh: absent, remembered: absent },
      catalogue: { load: absent, remembered: () => catalogue },
      now: () => now,
      lastKnown: { get: absent, set: absent },
      inTime: unhurried,
    },
    holds: {
      hold: absent,
      commit: absent,
      release: absent,
      keepAnswer: absent,
      counted: absent,
      now: () => now,
    },
    usage: { encode: absent, send: absent, produce: absent, requireReachable: absent },
    archive: { page: absent },
    history: { catalogueAt: absent, historyOf: absent },
    authenticate: async () => key,
    versions: async () => [],
    rulesJudging: async () => () => catalogue,
    overrides: async () => [],
    corrections: async () => [],
    noteCorrection: absent,
    changeOverride: absent,
    catalogueSource: absent,
    proposeCatalogue: absent,
    changeCatalogue: absent,
    catalogueHeads: absent,
    notices: absent,
    workspacesAfter: absent,
    noteDecision: () => undefined,
    decisionPage: absent,
    nearLimits: absent,
    letters: { page: absent, one: absent, overview: absent },
    system: { partitions: 8, shards: absent, ends: absent, enforcementLags: absent },
    metrics: apiMetrics(new Registry()),
    health: {},
  }
  return { ...base, ...context }
}

/** What an API without a socket answers to a GET. */
export async function getFrom(
  app: FastifyInstance,
  url: string,
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await app.inject({ url, headers: { authorization: 'Bearer key' } })
  return { status: response.statusCode, body: response.json() }
}

/** Every entry of a paged list, following the cursor to its end, and how many pages that took. */
export async function readPages(
  app: FastifyInstance,
  { url, list }: { readonly url: string; readonly list: string },
): Promise<{ readonly entries: readonly Record<string, unknown>[]; readonly pages: number }> {
  const entries: Record<string, unknown>[] = []
  let cursor: unknown = null
  let pages = 0
  do {
    const { status, body } = await getFrom(app, cursor === null ? url : `${url}?cursor=${String(cursor)}`)
    if (status !== 200) throw new Error(`page ${pages + 1} of ${url}: ${status} ${JSON.stringify(body)}`)
    entries.push(...(body[list] as Record<string, unknown>[]))
    cursor = body['cursor']
    pages += 1
  } while (cursor !== null && pages < 100)
  return { entries, pages }
}

/** What is known of a key for checks of every workspace, beside its id. */
export const CHECK_KEY = {
  label: 'test',
  scopes: ['check'] as const,
  workspaces: '*' as const,
  createdAt: 0,
  expiresAt: null,
}
