import type { TallygateClient } from './client.ts'
import type { Decision, Intent } from './decision.ts'

/** What a gated route asks before it runs. Nothing is counted by asking: the route counts what it does. */
export interface GateRule<Request, Feature extends string = string> {
  readonly feature: Feature
  /** Who asks: from a session or a verified token, never from what a caller may write freely. */
  readonly workspace: (request: Request) => string | null | undefined
  /** Units that the route will add; 1 when left out. */
  readonly quantity?: number | ((request: Request) => number)
  /** `add` when left out. */
  readonly intent?: Intent
}

/** What a denied caller is answered, as `application/problem+json` (RFC 9457). */
export interface DeniedBody {
  readonly type: 'about:blank'
  readonly title: 'Forbidden'
  readonly status: 403
  /** The decision's reason. */
  readonly code: string
  readonly detail: string
  readonly feature: string
  readonly limit: number | null
  readonly remaining: number | null
  readonly resetsAt: string | null
  readonly unblock: Decision['unblock']
}

/** Content type of a DeniedBody. */
export const DENIED_TYPE = 'application/problem+json; charset=utf-8'

/**
 * A route that could not be gated: `status` 503 when nobody could be asked, 500 when the gate itself is set up wrongly.
 *
 * The failure behind it is the `cause`; its own status (say 401 for a wrong key) is no concern of the route's caller.
 */
export class GateError extends Error {
  override readonly name = 'GateError'
  readonly status: 500 | 503
  /** As Fastify and Express read it. */
  readonly statusCode: 500 | 503

  constructor(message: string, { status, cause }: { status: 500 | 503; cause?: unknown }) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.statusCode = status
  }
}

/** What to answer in place of the route; null to let it run. Throws a GateError when that cannot be said. */
export async function askGate<Request, Feature extends string>(
  client: TallygateClient<Feature>,
  rule: GateRule<Request, Feature>,
  request: Request,
): Promise<DeniedBody | null> {
  const { feature, intent } = rule
  const workspace = rule.workspace(request)
  if (typeof workspace !== 'string' || workspace === '') {
    const message = `the gate of ${feature} found no workspace in the request; let what stands before it refuse such callers`
    throw new GateError(message, { status: 500 })
  }
  const quantity = typeof rule.quantity === 'function' ? rule.quantity(request) : rule.quantity
  try {
    const decision = await client.check({ workspace, feature, quantity, intent })
    return decision.allowed ? null : denied(decision)
  } catch (cause) {
    const isAway = cause instanceof Error && Reflect.get(cause, 'isUnavailability') === true
    const message = `whether ${workspace} may use ${feature} cannot be said`
    throw new GateError(message, { status: isAway ? 503 : 500, cause })
  }
}

function denied({ feature, reason, limit, remaining, resetsAt, unblock }: Decision): DeniedBody {
  const figures = limit === null ? '' : `: ${remaining ?? 0} of ${limit} left`
  const detail = `${feature} is not available now (${reason}${figures})`
  const problem = { type: 'about:blank', title: 'Forbidden', status: 403, code: reason, detail } as const
  return { ...problem, feature, limit, remaining, resetsAt, unblock }
}
