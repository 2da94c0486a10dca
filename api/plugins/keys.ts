import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ApiKey, mayTouch, type Scope } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { Authenticate } from '../context.ts'

/**
 * One hook for all routes, closed by default: key, scope, then workspace.
 *
 * A workspace that a key may not touch is answered as if it did not exist (404). A route that states no scope
 * is refused when it is registered.
 */
export function guardRoutes(app: FastifyInstance, authenticate: Authenticate): void {
  app.addHook('onRoute', ({ config, url, method }) => {
    if (config?.scope === undefined) throw new TypeError(`${String(method)} ${url} states no scope`)
  })
  app.decorateRequest('apiKey', null)
  app.addHook('onRequest', (request, reply, done) => {
    const scope = request.routeOptions.config.scope
    if (scope === null || (request.is404 && scope === undefined)) return done()
    const admit = (key: ApiKey | null): void => done(refusal(key, scope, reply) ?? keep(request, key))
    const found = keyOf(request, authenticate)
    if (found instanceof Promise) found.then(admit, done)
    else admit(found)
  })
  app.addHook('preHandler', (request, _reply, done) => {
    const foreign = foreignWorkspace(request)
    if (foreign === undefined) return done()
    done(new TallygateError('not_found', `no workspace "${foreign}" is known to this key`))
  })
}

function keyOf({ headers }: FastifyRequest, authenticate: Authenticate): ReturnType<Authenticate> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,128})$/i.exec(headers.authorization ?? '') ?? []
  return token === undefined ? null : authenticate(token)
}

function refusal(key: ApiKey | null, scope: Scope | undefined, reply: FastifyReply): Error | undefined {
  if (key === null) {
    reply.header('www-authenticate', 'Bearer')
    const message = 'send authorization: Bearer <key> with a key that is valid'
    return new TallygateError('unauthenticated', message)
  }
  if (scope !== undefined && key.scopes.includes(scope)) return undefined
  return new TallygateError('forbidden', `the key lacks the scope ${scope ?? 'of this route'}`, { scope })
}

function keep(request: FastifyRequest, key: ApiKey | null): undefined {
  request.apiKey = key
}

/** The first workspace of a request that its key may not touch. */
function foreignWorkspace(request: FastifyRequest): string | undefined {
  const { apiKey } = request
  if (apiKey === null || apiKey.workspaces === '*') return undefined
  return workspacesOf(request).find((workspace) => !mayTouch(apiKey, workspace))
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
