import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type ApiKey, mayTouch } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'

/**
 * One hook for all routes, closed by default: key, scope, then workspace.
 *
 * A workspace that a key may not touch is answered as if it did not exist (404). A route that states no scope
 * is refused when it is registered.
 */
export function guardRoutes(
  app: FastifyInstance,
  authenticate: (token: string) => Promise<ApiKey | null>,
): void {
  app.addHook('onRoute', ({ config, url, method }) => {
    if (config?.scope === undefined) throw new TypeError(`${String(method)} ${url} states no scope`)
  })
  app.decorateRequest('apiKey', null)
  app.addHook('onRequest', async (request, reply) => {
    const scope = request.routeOptions.config.scope
    if (scope === null || (request.is404 && scope === undefined)) return
    const key = await keyOf(request, authenticate)
    if (key === null) {
      reply.header('www-authenticate', 'Bearer')
      throw new TallygateError('unauthenticated', 'send authorization: Bearer <key> with a key that is valid')
    }
    if (scope === undefined || !key.scopes.includes(scope)) {
      throw new TallygateError('forbidden', `the key lacks the scope ${scope ?? 'of this route'}`, { scope })
    }
    request.apiKey = key
  })
  app.addHook('preHandler', async (request) => {
    const key = request.apiKey
    if (key === null) return
    for (const workspace of workspacesOf(request)) {
      if (mayTouch(key, workspace)) continue
      throw new TallygateError('not_found', `no workspace "${workspace}" is known to this key`)
    }
  })
}

async function keyOf(
  { headers }: FastifyRequest,
  authenticate: (token: string) => Promise<ApiKey | null>,
): Promise<ApiKey | null> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,128})$/i.exec(headers.authorization ?? '') ?? []
  return token === undefined ? null : authenticate(token)
}

function workspacesOf({ params, body }: FastifyRequest): readonly string[] {
  const events: unknown = propertyOf(body, 'events')
  const listed = Array.isArray(events) ? events.map((event) => propertyOf(event, 'workspace')) : []
  const named = [propertyOf(params, 'ws'), propertyOf(body, 'workspace'), ...listed]
  return [...new Set(named)].filter((value) => typeof value === 'string')
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
