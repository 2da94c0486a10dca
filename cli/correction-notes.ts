import { TallygateError } from '#core/errors.ts'
import { type NoteDeps, noteCorrections } from '#core/operations/note-corrections.ts'
import type { CounterStore } from '#core/ports.ts'
import { setsCounters } from '#core/usage/sets-counters.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { partitionerOf } from '#drivers/kafka/partitioner.ts'
import type { RecordToWrite } from '#drivers/kafka/record-writer.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { connectMongo } from '#drivers/mongo/connect.ts'
import { ensureInstall, installWish } from '#drivers/mongo/install.ts'
import { connectRedis } from '#drivers/redis/connect.ts'
import type { Redis } from '#drivers/redis/connection.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { redisCounterStore } from '#drivers/redis/redis-counter-store.ts'
import { cliActor } from './actor.ts'
import { CommandError, exitCodes, type Target } from './target.ts'

/** Settings are read at once or not at all: what was before is then not known. */
const READ_WITHIN_MS = 2_000

interface Opened extends Omit<NoteDeps, 'now'> {
  readonly close: () => Promise<void>
}

/** Records who sets counters by hand, each before it is sent; MongoDB and Redis are asked for nothing else. */
export class CorrectionNotes {
  readonly #target: Target
  readonly #file: string
  #opened: Promise<Opened> | null = null

  constructor(target: Target, file: string) {
    this.#target = target
    this.#file = file
  }

  /** Throws when the record cannot be stored: then nothing is set either. */
  async note({ record, value }: RecordToWrite): Promise<void> {
    const event = { ...value, record, workspace: value.workspace }
    if (!setsCounters(event)) return
    this.#opened ??= this.#open().catch((error: unknown) => {
      const message = 'MongoDB does not answer; who sets usage is recorded there'
      throw new CommandError(message, exitCodes.unavailable, error)
    })
    await noteCorrections({ ...(await this.#opened), now: Date.now() }, [event])
  }

  async close(): Promise<void> {
    await this.#opened?.then(({ close }) => close()).catch(() => undefined)
  }

  async #open(): Promise<Opened> {
    const mongo = await connectMongo(this.#target.mongo)
    const { shards, usagePartitions } = await ensureInstall(mongo.db, installWish)
    const catalogues = await MongoCatalogueStore.open(new CatalogueLog(mongo.db))
    const redis = await connectRedis({ url: this.#target.redis, commandTimeoutMs: READ_WITHIN_MS }).catch(
      () => null,
    )
    const partitionOf = partitionerOf(usagePartitions)
    const audit = new AuditLog(mongo.db)
    return {
      counters: redis === null ? unread : countersOf(redis, { shards, partitionOf }),
      catalogue: catalogues.remembered(),
      by: cliActor(),
      file: this.#file,
      append: (workspace, record) => audit.appendCorrection(workspace, record),
      close: async () => {
        redis?.disconnect()
        await mongo.close()
      },
    }
  }
}

/** Redis is away: what the counters said is not known, and what is set is recorded all the same. */
const unread: CounterStore = {
  read: async (workspace) => {
    throw new TallygateError('unavailable', 'Redis did not answer', { workspace })
  },
}

function countersOf(
  redis: Redis,
  { shards, partitionOf }: { shards: number; partitionOf: (workspace: string) => number },
): CounterStore {
  return redisCounterStore({ redis, shards: allShardKeys(shards), partitionOf })
}
