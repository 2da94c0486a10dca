import type { TallygateClient } from './client.ts'
import { askGate, DENIED_TYPE, GateError, type GateRule } from './gate.ts'

/** What is used of a reply of Fastify. */
export interface ReplyLike {
  code(status: number): ReplyLike
  type(contentType: string): ReplyLike
  send(body: string): ReplyLike
}

/** What is used of an instance of Fastify. */
export interface InstanceLike<Request> {
  addHook(name: 'preHandler', hook: (request: Request, reply: ReplyLike) => Promise<unknown>): unknown
}

/**
 * Gates a route: `app.post('/leads', { preHandler: gate(tallygate, { feature: 'leads', workspace }) }, …)`.
 *
 * A denied caller gets 403 with the reason and the ways out; when nobody can be asked and `onUnavailable` says nothing,
 * a GateError with status 503 is thrown.
 */
export function gate<Request, Feature extends string>(
  client: TallygateClient<Feature>,
  rule: GateRule<Request, Feature>,
): (request: Request, reply: ReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    const denied = await askGate(client, rule, request)
    return denied === null
      ? undefined
      : reply.code(denied.status).type(DENIED_TYPE).send(JSON.stringify(denied))
  }
}

/** A gate as a route's `config.tallygate` states it: the feature alone, or with quantity and intent. */
export type RouteGate<Request> = string | Omit<GateRule<Request>, 'workspace'>

/** What is read of a request to find its gate. */
export interface RoutedRequest {
  readonly routeOptions: { readonly config: object }
}

/**
 * The plugin: `app.register(gates(tallygate, { workspace }))`, then a route says `config: { tallygate: 'leads' }`.
 *
 * It holds for all routes of the instance that it is registered on, those declared before it among them.
 */
export function gates<Request>(
  client: TallygateClient,
  { workspace }: Pick<GateRule<Request>, 'workspace'>,
): (app: InstanceLike<Request & RoutedRequest>) => Promise<void> {
  const plugin = async (app: InstanceLike<Request & RoutedRequest>): Promise<void> => {
    app.addHook('preHandler', async (request, reply) => {
      const asked = readGate<Request>(request)
      return asked === null ? undefined : gate(client, { ...asked, workspace })(request, reply)
    })
  }
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
}

/** The gate of the route; null when it states none. Throws a GateError for one that names no feature. */
function readGate<Request>({
  routeOptions: { config },
}: RoutedRequest): Omit<GateRule<Request>, 'workspace'> | null {
  const stated: RouteGate<Request> | undefined = Reflect.get(config, 'tallygate')
  if (stated === undefined) return null
  const rule = typeof stated === 'string' ? { feature: stated } : stated
  if (typeof rule?.feature === 'string') return rule
  throw new GateError('config.tallygate of the route names no feature', { status: 500 })
}

export { type DeniedBody, GateError, type GateRule } from './gate.ts'
