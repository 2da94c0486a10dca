import type { AskName } from './fail-mode-asks.ts'

/** What each kind of question is answered. */
export type Outcomes = Readonly<Record<AskName, string>>

/** While nothing fails. */
export const usual: Outcomes = {
  'check, allow': '200 within_limit',
  'check, deny': '200 within_limit',
  'check, last_known': '200 within_limit',
  'check, unseen': '200 no_subscription',
  checks: '200 within_limit within_limit',
  'consume, allow': '200 within_limit',
  'consume, deny': '200 within_limit',
  reserve: '200 within_limit',
  commit: '200',
  events: '200',
  entitlements: '200',
  usage: '200',
}
/** Those that change nothing. */
export const readNames = [
  'check, allow',
  'check, deny',
  'check, last_known',
  'check, unseen',
  'checks',
  'entitlements',
  'usage',
] as const
/** Without figures. */
export const unread = {
  'check, allow': '200 degraded_allow*',
  'check, deny': '200 degraded_deny*',
  'check, last_known': '200 degraded_allow*',
  'check, unseen': '200 degraded_deny*',
  checks: '200 degraded_allow* degraded_deny*',
  entitlements: '503 unavailable',
  usage: '503 unavailable',
}
/** Without holds. */
export const unheld = {
  'consume, allow': '200 degraded_allow*',
  'consume, deny': '503 unavailable',
  reserve: '503 unavailable',
  commit: '503 unavailable',
}
/** While counters are gone and nobody rebuilds them. */
export const wiped = {
  'check, deny': '200 rebuilding*',
  'check, unseen': '200 rebuilding*',
  checks: '200 degraded_allow* rebuilding*',
}
/** While nothing can be written to the log: the code of what would have been. */
export const unwritten = (code: string): Partial<Outcomes> =>
  Object.fromEntries(['consume, allow', 'consume, deny', 'commit', 'events'].map((name) => [name, code]))

/** What a route of the contract is answered that a failure does not touch. */
export const usualRoutes: Readonly<Record<string, string>> = {
  'POST /v1/check': '200 within_limit',
  'POST /v1/checks': '200 within_limit',
  'POST /v1/consume': '200 within_limit',
  'POST /v1/reservations': '200 within_limit',
  'POST /v1/reservations/{id}/commit': '200',
  'POST /v1/reservations/{id}/release': '200',
  'POST /v1/events': '200',
  'GET /v1/workspaces/{ws}/entitlements': '200',
  'GET /v1/workspaces/{ws}/usage': '200',
  'GET /v1/workspaces/{ws}/subscription': '200',
  'GET /v1/workspaces/{ws}/orders': '200',
  'GET /v1/workspaces/{ws}/notices': '200',
  'GET /v1/workspaces/{ws}/overrides': '200',
  'GET /v1/workspaces/{ws}/decisions': '200',
  'GET /v1/workspaces/{ws}/audit': '200',
  'PUT /v1/workspaces/{ws}/overrides/{feature}': '200',
  'DELETE /v1/workspaces/{ws}/overrides/{feature}': '200',
  'POST /v1/quote': '200',
  'POST /v1/what-if': '200',
  'GET /v1/catalogue': '200',
  'GET /v1/catalogue/revisions': '200',
  'PUT /v1/catalogue': '422 invalid_catalogue',
  'GET /v1/usage': '200',
  'GET /v1/dead-letters': '200',
  'GET /v1/dead-letters/{id}': '404 not_found',
  'GET /v1/system': '200',
}

const refused = (names: readonly string[], outcome: string): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, outcome]))

/** What routes are answered while an engine is away, where that differs. */
export const routesWithout: Readonly<
  Record<'redis' | 'mongo' | 'kafka' | 'registry', Readonly<Record<string, string>>>
> = {
  registry: {},
  redis: {
    ...refused(['POST /v1/check', 'POST /v1/checks'], '200 degraded_allow*'),
    ...refused(
      [
        ...['POST /v1/consume', 'POST /v1/reservations'],
        ...['POST /v1/reservations/{id}/commit', 'POST /v1/reservations/{id}/release'],
        ...['GET /v1/workspaces/{ws}/entitlements', 'GET /v1/workspaces/{ws}/usage'],
        ...['GET /v1/workspaces/{ws}/notices', 'POST /v1/quote', 'POST /v1/what-if'],
        ...['GET /v1/usage', 'GET /v1/system'],
      ],
      '503 unavailable',
    ),
  },
  mongo: refused(
    [
      ...['subscription', 'orders', 'notices', 'overrides', 'decisions', 'audit'].map(
        (list) => `GET /v1/workspaces/{ws}/${list}`,
      ),
      ...['PUT', 'DELETE'].map((method) => `${method} /v1/workspaces/{ws}/overrides/{feature}`),
      ...['PUT /v1/catalogue', 'GET /v1/catalogue/revisions'],
      ...['GET /v1/dead-letters', 'GET /v1/dead-letters/{id}'],
    ],
    '503 unavailable',
  ),
  kafka: refused(
    ['POST /v1/consume', 'POST /v1/reservations/{id}/commit', 'POST /v1/events'],
    '503 unavailable',
  ),
}
