import type { Db } from 'mongodb'
import { DAY_MS, type Instant } from '#core/instant.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import type { Subscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import { CachedFactStore } from '#drivers/facts-store.ts'
import { FactsSource } from '#drivers/mongo/facts-source.ts'
import { Agenda } from '#drivers/redis/agenda.ts'
import { allShardKeys, SHARDS_DEFAULT, type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { defaultCatalogue } from './facts.ts'
import type { System } from './system.ts'

const shards = allShardKeys(SHARDS_DEFAULT)
/** How many are written to Redis at once. */
const AT_ONCE = 500

/** The keys of the shard that a workspace lives in. */
export function keysOf(workspace: string): ShardKeys {
  const keys = shards[shardOf(workspace, shards.length)]
  if (keys === undefined) throw new RangeError(`no shard for ${workspace}`)
  return keys
}

interface BulkOptions {
  /** What differs from a thousand seats of pro, paid since yesterday for half a year. */
  readonly change?: Partial<Subscription>
  /** When the judge is to look at them again; null when that is so far away that it stands on no agenda. */
  readonly nextAt: Instant | null
}

/**
 * Subscribes workspaces in numbers that billing would take hours to bring: MongoDB and Redis hold afterwards what the
 * consumer and the judge would have left there.
 */
export async function subscribeMany(
  { mongo, redis }: Pick<System, 'mongo' | 'redis'>,
  workspaces: readonly string[],
  { change = {}, nextAt }: BulkOptions,
): Promise<void> {
  const versions = new Map(workspaces.map((workspace) => [workspace, versionOf(workspace, change)]))
  const inserts = new Inserts()
  const source = new FactsSource(inserts.asDb())
  for (const [workspace, version] of versions) await source.appendVersion(workspace, 1, version)
  await inserts.flush(mongo.db)
  const catalogue = defaultCatalogue()
  const stored = (workspace: string): readonly SubscriptionEvent[] => {
    const version = versions.get(workspace)
    return version === undefined ? [] : [version]
  }
  const facts = new CachedFactStore({
    redis,
    shards,
    source: {
      read: async (workspace) => ({
        versions: stored(workspace),
        overrides: [],
        crossings: { count: 0, newest: null },
      }),
    },
    fold: async (all) => foldVersions(all, () => catalogue).state.subscription,
  })
  const agenda = new Agenda(redis)
  for (let from = 0; from < workspaces.length; from += AT_ONCE) {
    const some = workspaces.slice(from, from + AT_ONCE)
    const put = async (workspace: string): Promise<void> => {
      await facts.refresh(workspace, null)
      await agenda.plan(keysOf(workspace), workspace, nextAt)
    }
    await Promise.all(some.map(put))
  }
}

/** Stands for a database: keeps what would be inserted one by one, to be inserted together. */
class Inserts {
  readonly #kept = new Map<string, object[]>()

  asDb(): Db {
    const insertInto = (name: string) => async (document: object) => {
      const kept = this.#kept.get(name) ?? []
      kept.push(document)
      this.#kept.set(name, kept)
    }
    return Object({ collection: (name: string) => ({ insertOne: insertInto(name) }) })
  }

  async flush(db: Db): Promise<void> {
    for (const [name, documents] of this.#kept)
      for (let from = 0; from < documents.length; from += AT_ONCE)
        await db.collection(name).insertMany(documents.slice(from, from + AT_ONCE), { ordered: false })
  }
}

function versionOf(workspace: string, change: Partial<Subscription>): SubscriptionEvent {
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
      ...change,
    },
  }
}
