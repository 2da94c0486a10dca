import type { TallygateClient } from './client.ts'
import { askGate, DENIED_TYPE, type GateRule } from './gate.ts'

/** What is used of a response; Express', Connect's and Node's own have it. */
export interface ResponseLike {
  statusCode: number
  /** Whether somebody has answered already. */
  readonly headersSent?: boolean
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** A middleware of Express, Connect, or anything else that calls `(request, response, next)`. */
export type Middleware<Request> = (
  request: Request,
  response: ResponseLike,
  next: (error?: unknown) => void,
) => void

/**
 * Gates a route: `app.post('/leads', gate(tallygate, { feature: 'leads', workspace: ({ user }) => user.workspace }), …)`.
 *
 * A denied caller gets 403 with the reason and the ways out; when nobody can be asked and `onUnavailable` says nothing,
 * `next` gets a GateError with status 503.
 */
export function gate<Request, Feature extends string>(
  client: TallygateClient<Feature>,
  rule: GateRule<Request, Feature>,
): Middleware<Request> {
  return (request, response, next) => {
    askGate(client, rule, request)
      .then((denied) => {
        if (denied === null) return next()
        if (response.headersSent === true) return
        response.statusCode = denied.status
        response.setHeader('content-type', DENIED_TYPE)
        response.end(JSON.stringify(denied))
      })
      .catch(next)
  }
}

export { type DeniedBody, GateError, type GateRule } from './gate.ts'
