import { randomUUID } from 'node:crypto'
import { DAY_MS } from '#core/instant.ts'
import { shardKeys, shardOf } from '#drivers/redis/keys.ts'
import type { RecordName } from '#schemas/records.ts'
import { eventually } from './eventually.ts'
import type { System } from './system.ts'

/** What a test reads of a decision. */
export interface SeenDecision {
  readonly allowed: boolean
  readonly reason: string
  readonly limit: number | null
  readonly used: number
  readonly remaining: number | null
  readonly asOf: string
  readonly exact: boolean
  readonly degraded: boolean
  readonly status: string
  readonly plan: string | null
  readonly overLimit: { readonly since: string | null; readonly graceEndsAt: string | null } | null
  readonly unblock: readonly Readonly<Record<string, unknown>>[]
  readonly window: { readonly from: string; readonly to: string } | null
}

/** A workspace of its own, driven as product, billing and caller would: events in by Kafka, answers out by HTTP. */
export class TestWorkspace {
  readonly id: string
  readonly #system: System
  #version = 0
  #events = 0
  #subscription: Record<string, unknown> = {
    subscriptionId: 's1',
    status: 'active',
    plan: 'base',
    planSince: Date.now() - DAY_MS,
    seats: 1,
    termMonths: 6,
    periodStart: Date.now() - DAY_MS,
    periodEnd: Date.now() + 180 * DAY_MS,
    anchorDay: new Date(Date.now() - DAY_MS).getUTCDate(),
    autoRenew: true,
    cancelAtPeriodEnd: false,
    country: 'US',
    currency: 'USD',
    paymentMethod: 'card',
    addOns: [],
  }

  constructor(system: System, id = `w-${randomUUID().slice(0, 12)}`) {
    this.id = id
    this.#system = system
  }

  /** Sends the next version of the subscription and waits until it is in force. */
  async subscribe(
    change: Readonly<Record<string, unknown>>,
    event: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    this.#version += 1
    const version = this.#version
    this.#subscription = { ...this.#subscription, ...change }
    const value = {
      id: `v${version}`,
      workspace: this.id,
      version,
      occurredAt: Date.now(),
      type: 'purchased',
      actor: 'customer',
      subscription: this.#subscription,
      ...event,
    }
    await this.#system.writer.write({ record: 'SubscriptionEvent', value, headers })
    await this.hasVersions(version)
  }

  /** Waits until so many versions of the subscription are stored and in force. */
  async hasVersions(count: number, withinMs = 20_000): Promise<void> {
    const revision = (): Promise<string | null> => this.#revision()
    await eventually(revision, (text) => Number((text ?? '0').split('.')[0]) >= count, {
      what: `${count} versions of ${this.id} to be in force`,
      withinMs,
    })
  }

  /** Sends a usage event; resolves when Kafka has it. */
  async send(
    record: RecordName,
    fields: Readonly<Record<string, unknown>>,
    appendedAt?: number,
  ): Promise<void> {
    this.#events += 1
    const id = `e${this.#events}`
    const value = { id, workspace: this.id, occurredAt: appendedAt ?? Date.now(), source: 'test', ...fields }
    const headers =
      appendedAt === undefined ? {} : { headers: { 'tallygate-append-time': String(appendedAt) } }
    await this.#system.writer.write({ record, value, ...headers })
  }

  /** Waits until everything sent so far is counted. */
  async counted(): Promise<void> {
    const sentAt = Date.now()
    const ask = (): Promise<SeenDecision> => this.check({ feature: 'leads', intent: 'read' })
    await eventually(ask, ({ asOf }) => Date.parse(asOf) > sentAt, {
      what: `the events of ${this.id} to be counted`,
    })
  }

  /** Asks once. */
  async check(question: Readonly<Record<string, unknown>>): Promise<SeenDecision> {
    const response = await this.post('/v1/check', { workspace: this.id, ...question })
    const body = await response.json()
    if (response.status !== 200) throw new Error(`check answered ${response.status}: ${JSON.stringify(body)}`)
    return body as SeenDecision
  }

  /** Asks until the reason is the wanted one: the judge notes crossings a moment after they are counted. */
  async becomes(question: Readonly<Record<string, unknown>>, reason: string): Promise<SeenDecision> {
    return eventually(
      () => this.check(question),
      (decision) => decision.reason === reason,
      { what: `${this.id} ${JSON.stringify(question)} to be ${reason}` },
    )
  }

  /** Asks until the answer is exact: on a busy machine counting may be more than a second behind the log. */
  async checkExactly(question: Readonly<Record<string, unknown>>): Promise<SeenDecision> {
    return eventually(
      () => this.check(question),
      ({ exact }) => exact,
      { what: `counting of ${this.id} to be level with the log` },
    )
  }

  /** Posts JSON with the key of every scope. */
  async post(path: string, body: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#system.key}`, 'content-type': 'application/json' }
    return fetch(`${this.#system.api}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  /** Sets an override of a feature, as support would. */
  async override(feature: string, override: { limit: number | null; until?: number | null }): Promise<void> {
    const until = override.until ?? null
    const iso = until === null ? {} : { until: new Date(until).toISOString() }
    const response = await fetch(`${this.#system.api}/v1/workspaces/${this.id}/overrides/${feature}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${this.#system.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ limit: override.limit, reason: 'a pilot', ...iso }),
    })
    if (response.status !== 200) throw new Error(`the override was refused: ${await response.text()}`)
  }

  /** Reads a route of this workspace. */
  async get(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#system.key}` }
    return fetch(`${this.#system.api}/v1/workspaces/${this.id}${path}`, { headers })
  }

  async #revision(): Promise<string | null> {
    const keys = shardKeys(shardOf(this.id, this.#system.shards))
    return this.#system.redis.hget(keys.usage(this.id), 'rev')
  }
}

/** A new workspace that is subscribed; its id. */
export async function subscribedWorkspace(
  system: System,
  change: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const workspace = new TestWorkspace(system)
  await workspace.subscribe(change)
  return workspace.id
}
