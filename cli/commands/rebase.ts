import Table from 'cli-table3'
import type { Admin } from 'kafkajs'
import { distinctMeters } from '#core/catalogue/meter.ts'
import { MongoCatalogueStore } from '#drivers/catalogue-store.ts'
import { readOffsetAt } from '#drivers/kafka/offset-at.ts'
import { readRanges } from '#drivers/kafka/scan-topic.ts'
import { AuditLog } from '#drivers/mongo/audit-log.ts'
import { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'
import { IncarnationLog } from '#drivers/mongo/incarnation-log.ts'
import { ensureInstall, installWish } from '#drivers/mongo/install.ts'
import { SnapshotLog } from '#drivers/mongo/snapshot-log.ts'
import { allShardKeys } from '#drivers/redis/keys.ts'
import { cliActor } from '../actor.ts'
import { type Engines, withEngines } from '../engines.ts'
import { findRemade, type RemadePartition, standingOf } from '../rebase/find-remade.ts'
import { rebaseShard } from '../rebase/rebase-shard.ts'
import { CommandError, exitCodes, readTarget } from '../target.ts'

interface RebaseOptions {
  readonly partition?: readonly string[]
  readonly fromStart?: boolean
  readonly complete?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const TOPIC = 'usage.events'
const GROUP = 'tallygate-usage'

/** `tallygate rebase`: goes on with a topic that was made anew, or whose log lost its end, keeping what was counted. */
export async function rebaseCommand(options: RebaseOptions): Promise<void> {
  const named = (options.partition ?? []).map(partitionOf)
  const isDryRun = options.yes !== true
  const remade = await withEngines(readTarget(process.env), (engines) =>
    rebase(engines, {
      named,
      isFromStart: options.fromStart === true,
      isDryRun,
      isComplete: options.complete === true,
    }),
  )
  const text = options.json === true ? JSON.stringify({ isDryRun, remade }) : textOf(remade, isDryRun)
  process.stdout.write(`${text}\n`)
}

interface RebaseInput {
  readonly named: readonly number[]
  readonly isFromStart: boolean
  readonly isDryRun: boolean
  readonly isComplete: boolean
}

async function rebase(
  { admin, mongo, redis }: Engines,
  { named, isFromStart, isDryRun, isComplete }: RebaseInput,
): Promise<readonly RemadePartition[]> {
  const install = await ensureInstall(mongo.db, installWish)
  const shards = allShardKeys(install.shards)
  const snapshots = new SnapshotLog(mongo.db)
  const ranges = await readRanges(admin, TOPIC)
  const offsetAt = (partition: number, instant: number): Promise<number> =>
    readOffsetAt(admin, { topic: TOPIC, partition, instant })
  const incarnations = new IncarnationLog(mongo.db)
  const stores = { redis, snapshots, incarnations }
  const standings = await Promise.all(shards.map((keys) => standingOf(stores, keys)))
  const remade = await findRemade({ ranges, named, isFromStart, offsetAt }, standings)
  if (isDryRun || remade.length === 0) return remade
  await requireStopped(admin)
  const catalogues = await MongoCatalogueStore.open(new CatalogueLog(mongo.db))
  const meters = distinctMeters(catalogues.remembered())
  const audit = new AuditLog(mongo.db)
  for (const own of remade)
    await audit.appendRebase({ action: 'rebase', ...own, at: Date.now(), by: cliActor(), isComplete })
  const deps = { ...stores, now: Date.now, name: 'tallygate rebase', distinctMeters: meters }
  for (const keys of shards) await rebaseShard(deps, keys, { remade, isComplete })
  return remade
}

async function requireStopped(admin: Admin): Promise<void> {
  const { groups } = await admin.describeGroups([GROUP])
  const members = groups.flatMap((group) => group.members)
  if (members.length === 0) return
  throw new CommandError(
    `${members.length} consumers are still members of ${GROUP}; stop all consumers, then run rebase again`,
    exitCodes.unavailable,
  )
}

function partitionOf(text: string): number {
  const partition = Number(text)
  if (Number.isInteger(partition) && partition >= 0 && partition < installWish.usagePartitions)
    return partition
  throw new CommandError(
    `--partition must be 0 to ${installWish.usagePartitions - 1}, not "${text}"`,
    exitCodes.usage,
  )
}

function textOf(remade: readonly RemadePartition[], isDryRun: boolean): string {
  if (remade.length === 0) return 'no partition was made anew: each log reaches as far as was counted'
  const table = new Table({
    head: ['partition', 'its log', 'counted up to', 'begins at', 'ends before', 'goes on at'],
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { partition, cause, counted, low, high, goesOnAfter } of remade)
    table.push([partition, cause, counted, low, high, goesOnAfter + 1])
  const last = isDryRun
    ? 'nothing was changed; add --yes to keep the counters and go on there\n(--complete when all of the old log was counted; otherwise answers stay marked as not exact)'
    : 'start the consumers again'
  return `${table.toString()}\n${last}`
}
