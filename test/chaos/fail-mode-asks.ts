import { eventually } from '#test/helpers/eventually.ts'
import type { System } from '#test/helpers/system.ts'
import type { TestWorkspace } from '#test/helpers/workspace.ts'
import type { RouteWish, RouteWishes } from './ask-each-route.ts'
import { type Answer, decisionsOf, outcomeOf } from './outcome-of.ts'

/** One request of each kind of route, and of each `onUnavailable`: leads allow, ai_credits deny, ai_agents last_known. */
export const askNames = [
  'check, allow',
  'check, deny',
  'check, last_known',
  'check, unseen',
  'checks',
  'consume, allow',
  'consume, deny',
  'reserve',
  'commit',
  'events',
  'entitlements',
  'usage',
] as const
export type AskName = (typeof askNames)[number]

/** What one request came to. */
export interface Told {
  /** Status with reasons or code; `*` marks decisions that say `degraded`, without figures and not exact. */
  readonly outcome: string
  /** How old the figures are, ms; null where none are given. */
  readonly lagMs: number | null
  readonly ms: number
}

/** Asks an API each kind of question about one workspace, under ids of its own. */
export class FailModeAsks {
  readonly #system: System
  readonly #workspace: string
  #ids = 0

  constructor(system: System, workspace: TestWorkspace) {
    this.#system = system
    this.#workspace = workspace.id
  }

  /** A reservation to be committed later. */
  async reserve(): Promise<string> {
    const id = this.#id()
    const { status } = await this.#post('/v1/reservations', { id, items: [credits], ttlMs: 600_000 })
    if (status !== 200) throw new Error(`a reservation before the fault answered ${status}`)
    return id
  }

  /** What each route of the contract needs that is to be answered as usual; made before anything fails. */
  async wishesOfRoutes(): Promise<RouteWishes> {
    const own = { workspace: this.#workspace }
    const shown = await this.#call(`/v1/workspaces/${this.#workspace}/overrides/contacts_companies`, {
      method: 'PUT',
      body: JSON.stringify({ limit: 90_000, reason: 'to be ended' }),
      headers: { 'content-type': 'application/json' },
    })
    if (shown.status !== 200) throw new Error(`an override before the fault answered ${shown.status}`)
    const wishes: [string, RouteWish][] = [
      ['POST /v1/consume', { body: { ...own, id: this.#id(), items: [credits] } }],
      ['POST /v1/reservations', { body: { ...own, id: this.#id(), items: [credits] } }],
      ['POST /v1/reservations/{id}/commit', { id: await this.reserve() }],
      ['POST /v1/reservations/{id}/release', { id: await this.reserve() }],
      ['POST /v1/events', { body: { events: [this.#event(this.#id())] } }],
      ['GET /v1/workspaces/{ws}/usage', { query: '?feature=leads' }],
      ['PUT /v1/workspaces/{ws}/overrides/{feature}', { body: { limit: 9_000, reason: this.#id() } }],
      ['DELETE /v1/workspaces/{ws}/overrides/{feature}', { feature: 'contacts_companies' }],
      ['PUT /v1/catalogue', { query: '?dryRun=true', headers: { 'if-match': '"1"' }, body: {} }],
      ['GET /v1/usage', { query: '?feature=leads' }],
      ['GET /v1/dead-letters/{id}', { id: `${'0'.repeat(19)}-0-0` }],
    ]
    return new Map(wishes)
  }

  /** All kinds at once. */
  async all(reservation: string): Promise<ReadonlyMap<AskName, Told>> {
    const told = await Promise.all(
      askNames.map(async (name): Promise<[AskName, Told]> => [name, await this.one(name, reservation)]),
    )
    return new Map(told)
  }

  async one(name: AskName, reservation = ''): Promise<Told> {
    const startedAt = performance.now()
    const answer = await this.#ask(name, reservation)
    const ms = performance.now() - startedAt
    const { lagMs } = Object(decisionsOf(answer.body)[0] ?? answer.body)
    return { outcome: outcomeOf(answer), lagMs: typeof lagMs === 'number' ? lagMs : null, ms }
  }

  #ask(name: AskName, reservation: string): Promise<Answer> {
    const id = this.#id()
    const path = `/v1/workspaces/${this.#workspace}`
    switch (name) {
      case 'check, allow':
        return this.#post('/v1/check', lead)
      case 'check, deny':
        return this.#post('/v1/check', credits)
      case 'check, last_known':
        return this.#post('/v1/check', { feature: 'ai_agents' })
      case 'check, unseen':
        return this.#post('/v1/check', { ...credits, workspace: `${this.#workspace}-${id}` })
      case 'checks':
        return this.#post('/v1/checks', { items: [lead, credits] })
      case 'consume, allow':
        return this.#post('/v1/consume', { id, items: [{ ...lead, quantity: 1 }] })
      case 'consume, deny':
        return this.#post('/v1/consume', { id, items: [credits] })
      case 'reserve':
        return this.#post('/v1/reservations', { id, items: [credits] })
      case 'commit':
        return this.#post(`/v1/reservations/${reservation}/commit`, {})
      case 'events':
        return this.#post('/v1/events', { workspace: undefined, events: [this.#event(id)] })
      case 'entitlements':
        return this.#call(`${path}/entitlements`, {})
      case 'usage':
        return this.#call(`${path}/usage?feature=ai_credits`, {})
    }
  }

  #event(id: string): object {
    const call = { function: 'summary', credits: 1, occurredAt: new Date().toISOString(), source: 'product' }
    return { record: 'AiCallEvent', workspace: this.#workspace, id, ...call }
  }

  #id(): string {
    this.#ids += 1
    return `f${this.#ids}`
  }

  #post(path: string, body: object): Promise<Answer> {
    const text = JSON.stringify({ workspace: this.#workspace, ...body })
    return this.#call(path, { method: 'POST', body: text, headers: { 'content-type': 'application/json' } })
  }

  async #call(path: string, init: RequestInit): Promise<Answer> {
    const headers = { ...init.headers, authorization: `Bearer ${this.#system.key}` }
    const response = await fetch(`${this.#system.api}${path}`, { ...init, headers })
    const body: unknown = await response.json()
    if (response.status === 503 && response.headers.get('retry-after') === null)
      throw new Error(`${path} answered 503 without retry-after`)
    return { status: response.status, body: Object(body) }
  }
}

const lead = { feature: 'leads' }
const credits = { feature: 'ai_credits', quantity: 1 }

/** Value of a circuit's gauge. */
export async function circuitIsOpen(system: System, dependency: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${system.env['ADMIN_PORT']}/metrics`)
  return (await response.text()).includes(`tallygate_circuit_open{dependency="${dependency}"} 1`)
}

/** Waits until no check answers any more from what was read before Redis fell silent. */
export async function untilNothingIsNear(asks: FailModeAsks, unread: string): Promise<void> {
  const ask = (): Promise<Told> => asks.one('check, deny')
  await eventually(ask, ({ outcome }) => outcome === unread, { what: 'nothing to be near', withinMs: 2_000 })
}

/** Calls beside those that are looked at, so that each way has had its five failures. */
export const openers = [
  'consume, deny',
  'consume, deny',
  'consume, allow',
  ...Array<AskName>(5).fill('check, unseen'),
] as const

/** A line of the table: what each question was answered in each round, and after how long. */
export function rowOf(name: string, rounds: readonly ReadonlyMap<AskName, Told>[]): string {
  const cells = askNames.map((ask) => {
    const told = rounds.flatMap((round) => round.get(ask) ?? [])
    const outcomes = [...new Set(told.map(({ outcome }) => outcome))].join(', then ')
    const times = told.map(({ ms }) => ms.toFixed(0)).join(', ')
    const lagMs = told.at(-1)?.lagMs ?? null
    return `${outcomes} (${times} ms${lagMs === null ? '' : `, lag ${lagMs}`})`
  })
  return `| ${name} | ${cells.join(' | ')} |`
}
