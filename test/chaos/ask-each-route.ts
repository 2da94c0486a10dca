import { bodies, routes } from '#test/helpers/contract-routes.ts'
import type { System } from '#test/helpers/system.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'
import { outcomeOf } from './outcome-of.ts'

/** What a route answered, as `outcomeOf` names it, and after how long. */
export interface RouteTold {
  readonly outcome: string
  readonly ms: number
}

/** What makes a request of a route a good one: a place in the path, a query, a body. */
export interface RouteWish {
  readonly id?: string
  readonly feature?: string
  readonly query?: string
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

/** By method and path; a route that is not named needs nothing. */
export type RouteWishes = ReadonlyMap<string, RouteWish>

interface EachRoute {
  readonly wishes: RouteWishes
  readonly only?: (name: string) => boolean
}

/** Asks routes of the contract, all at the same time; every one where none are named. */
export async function askEachRoute(
  system: System,
  workspace: TestWorkspace,
  { wishes, only = () => true }: EachRoute,
): Promise<ReadonlyMap<string, RouteTold>> {
  const asked = routes
    .filter(({ name }) => only(name))
    .map(async (route): Promise<[string, RouteTold]> => {
      const { id = 'none', feature = 'leads', query = '', body, headers = {} } = wishes.get(route.name) ?? {}
      const path = route.path
        .replace('{ws}', workspace.id)
        .replace('{feature}', feature)
        .replace('{id}', encodeURIComponent(id))
      const isWritten = route.method !== 'GET'
      const sent = body ?? {
        ...bodies[route.name],
        ...(path.includes(workspace.id) ? {} : { workspace: workspace.id }),
      }
      const startedAt = performance.now()
      const response = await fetch(`${system.api}${path}${query}`, {
        method: route.method,
        headers: {
          authorization: `Bearer ${system.key}`,
          ...(isWritten ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(isWritten ? { body: JSON.stringify(sent) } : {}),
      })
      const { status } = response
      const answer = { status, body: Object(await response.json()) }
      const ms = performance.now() - startedAt
      if (status === 503 && response.headers.get('retry-after') === null)
        throw new Error(`${route.name} answered 503 without retry-after`)
      const told = isWritten || status !== 200 ? outcomeOf(answer) : '200'
      return [route.name, { outcome: told, ms }]
    })
  return new Map(await Promise.all(asked))
}
