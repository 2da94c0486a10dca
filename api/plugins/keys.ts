import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { type ApiKey, mayTouch, type Scope } from '#core/api-key.ts'
import { TallygateError } from '#core/errors.ts'
import type { Authenticate } from '../context.ts'
import { itemsOf, type KeyLimit } from './shedding.ts'

/** Who asks, and whether he may ask once more. */
interface Guard {
  readonly authenticate: Authenticate
  readonly limit: KeyLimit
}

/**
 * One hook for all routes, closed by default: key, scope, how often, then how much at once and workspace.
 *
 * A workspace that a key may not touch is answered as if it did not exist (404). A route that states no scope
 * is refused when it is registered.
 */
export function guardRoutes(app: FastifyInstance, guard: Guard): void {
  app.decorateRequest('apiKey', null)
  app.addHook('onRoute', (route) => {
    const scope = route.config?.scope
    if (scope === undefined) throw new TypeError(`${String(route.method)} ${route.url} states no scope`)
    if (scope !== null) route.onRequest = [guardOf([scope].flat(), guard), ...others(route.onRequest)]
  })
  app.addHook('preHandler', (request, _reply, done) => {
    const { apiKey, body } = request
    const refused = apiKey === null ? undefined : guard.limit.charge(apiKey, itemsOf(body))
    if (refused !== undefined) return done(refused)
    const foreign = foreignWorkspace(request)
    if (foreign === undefined) return done()
    done(new TallygateError('not_found', `no workspace "${foreign}" is known to this key`))
  })
}

function others<Hook>(hooks: Hook | Hook[] | undefined): readonly Hook[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks]
}

/** What a route asks of a key, known when it is registered: nothing is looked up for each request. */
function guardOf(scopes: readonly Scope[], { authenticate, limit }: Guard): onRequestHookHandler {
  return (request, reply, done) => {
    const admit = (key: ApiKey | null): void => {
      const refused = key === null ? unknown(reply) : (refusal(key, scopes) ?? limit.take(key))
      if (refused === undefined) request.apiKey = key
      done(refused)
    }
    const found = keyOf(request, authenticate)
    if (found instanceof Promise) found.then(admit, done)
    else admit(found)
  }
}

function keyOf({ headers }: FastifyRequest, authenticate: Authenticate): ReturnType<Authenticate> {
  const [, token] = /^Bearer ([\x21-\x7e]{1,128})$/i.exec(headers.authorization ?? '') ?? []
  return token === undefined ? null : authenticate(token)
}

function unknown(reply: FastifyReply): Error {
  reply.header('www-authenticate', 'Bearer')
  return new TallygateError('unauthenticated', 'send authorization: Bearer <key> with a key that is valid')
}

function refusal(key: ApiKey, [scope, ...others]: readonly Scope[]): Error | undefined {
  if (scope === undefined || key.scopes.includes(scope)) return undefined
  if (others.some((other) => key.scopes.includes(other))) return undefined
  return new TallygateError('forbidden', `the key lacks the scope ${scope}`, { scope })
}

/** Throws `forbidden` for a key without a scope, where what is asked needs it and not every use of the route does. */
export function requireScope({ apiKey }: FastifyRequest, scope: Scope): void {
  const refused = apiKey === null ? undefined : refusal(apiKey, [scope])
  if (refused !== undefined) throw refused
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
