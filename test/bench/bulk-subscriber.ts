import type { Db } from 'mongodb'
import { DAY_MS } from '#core/instant.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import type { SubscriptionEvent } from '#core/subscription/subscription.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { Agenda } from '#drivers/redis/agenda.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys, SHARDS_DEFAULT, type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { engineAddresses } from '#test/helpers/addresses.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'
import type { System } from '#test/helpers/system.ts'

const NO_CHANGES = { overrides: [], crossings: { count: 0, newest: null } } as const

/** The shard keys of a workspace. */
export function keysOf(workspace: string): ShardKeys {
  const keys = allKeys[shardOf(workspace, allKeys.length)]
  if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
  return keys
}

const allKeys = allShardKeys(SHARDS_DEFAULT)

/**
 * Subscribes workspaces in numbers that billing would take hours to bring: MongoDB and Redis hold afterwards what the
 * consumer and the judge would have left there.
 */
export class BulkSubscriber {
  readonly #db: Db
  readonly #redis: Redis

  private constructor(db: Db, redis: Redis) {
    this.#db = db
    this.#redis = redis
  }

  static async open({ mongo }: System): Promise<BulkSubscriber> {
    const redis = await connectRedis({ url: engineAddresses().redis, commandTimeoutMs: 60_000 })
    return new BulkSubscriber(mongo.db, redis)
  }

  /** Pro with a thousand seats for half a year; the time to be looked at again is the end of the window. */
  async subscribe(workspaces: readonly string[]): Promise<void> {
    const versions = new Map(workspaces.map((workspace) => [workspace, versionOf(workspace)]))
    const inserts = new Inserts()
    const source = new FactsSource(inserts.asDb())
    for (const [workspace, version] of versions) await source.appendVersion(workspace, 1, version)
    await inserts.flush(this.#db)
    const catalogue = defaultCatalogue()
    const facts = new CachedFactStore({
      redis: this.#redis,
      shards: allKeys,
      source: {
        read: async (workspace) => ({
          ...NO_CHANGES,
          versions: [versions.get(workspace) ?? versionOf(workspace)],
        }),
      },
      fold: async (stored) => foldVersions(stored, () => catalogue).state.subscription,
    })
    const agenda = new Agenda(this.#redis)
    const nextAt = Date.now() + 20 * DAY_MS
    await Promise.all(
      workspaces.map(async (workspace) => {
        await facts.refresh(workspace, null)
        await agenda.plan(keysOf(workspace), workspace, nextAt)
      }),
    )
  }

  async close(): Promise<void> {
    await this.#redis.quit()
  }
}

/** Stands for a database: keeps what would be inserted one by one, to be inserted together. */
class Inserts {
  readonly #kept = new Map<string, object[]>()

  asDb(): Db {
    const collection = (name: string): object => ({
      insertOne: async (document: object) => {
        const kept = this.#kept.get(name) ?? []
        kept.push(document)
        this.#kept.set(name, kept)
      },
    })
    return Object({ collection })
  }

  async flush(db: Db): Promise<void> {
    for (const [name, documents] of this.#kept)
      await db.collection(name).insertMany(documents, { ordered: false })
  }
}

function versionOf(workspace: string): SubscriptionEvent {
  const now = Date.now()
  return {
    id: 'v1',
    workspace,
    version: 1,
    occurredAt: now,
    type: 'purchased',
    actor: 'customer',
    order: null,
    subscription: {
      subscriptionId: 's1',
      status: 'active',
      plan: 'pro',
      planSince: now - DAY_MS,
      seats: 1_000,
      termMonths: 6,
      periodStart: now - DAY_MS,
      periodEnd: now + 180 * DAY_MS,
      anchorDay: new Date(now - DAY_MS).getUTCDate(),
      autoRenew: true,
      cancelAtPeriodEnd: false,
      country: 'US',
      currency: 'USD',
      paymentMethod: 'card',
      addOns: [],
    },
  }
}
