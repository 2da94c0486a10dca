import type { Redis } from 'ioredis'
import { readPastDays } from '#core/operations/read-past-days.ts'
import { ARCHIVE_FIELD, parseDayField } from '#core/usage/counter-fields.ts'
import { type DayFigures, mergeFigures } from '#core/usage/past-days.ts'
import { type ShardKeys, shardOf } from '#drivers/redis/keys.ts'
import { isWhole } from '#drivers/redis/whole-shard.ts'
import { type EventLog, WORKSPACES, workspaceOf } from './event-log.ts'
import type { MemoryPages } from './memory-stores.ts'

/** What is compared. */
interface CheckedParts {
  readonly shards: readonly ShardKeys[]
  readonly log: EventLog
  readonly days: MemoryPages
}

/** Compares what Redis holds with what the log says; knows nothing of how it came about. */
export class Checker {
  readonly #redis: Redis
  readonly #shards: readonly ShardKeys[]
  readonly #log: EventLog
  readonly #days: MemoryPages

  constructor(redis: Redis, { shards, log, days }: CheckedParts) {
    this.#redis = redis
    this.#shards = shards
    this.#log = log
    this.#days = days
  }

  /** Whether every shard is ready and has counted the whole log. */
  async isCaughtUp(): Promise<boolean> {
    const states = await Promise.all(this.#shards.map(({ meta }) => this.#redis.hgetall(meta)))
    return states.every(
      (state) =>
        state['ready'] === '1' &&
        isWhole(state) &&
        this.#log.partitions.every(
          (log, partition) => log.length === 0 || Number(state[`wm:${partition}`] ?? -1) >= log.length - 1,
        ),
    )
  }

  /** Shards that answer before they have caught up with what was known when their rebuild began. */
  async readyTooEarly(): Promise<readonly string[]> {
    const states = await Promise.all(this.#shards.map(({ meta }) => this.#redis.hgetall(meta)))
    return states.flatMap((state, shard) => {
      const behind = Object.entries(state).filter(
        ([name, target]) =>
          name.startsWith('target:') && Number(state[`wm:${name.slice(7)}`] ?? -1) < Number(target),
      )
      return state['ready'] === '1' && isWhole(state) && behind.length > 0
        ? [`shard ${shard} was ready before its target`]
        : []
    })
  }

  /** Partitions that a shard says to have seen at their end, though it lacks records that were there then. */
  async seenTooEarly(): Promise<readonly string[]> {
    const states = await Promise.all(this.#shards.map(({ meta }) => this.#redis.hgetall(meta)))
    return states.flatMap((state, shard) =>
      this.#log.partitions.flatMap((log, partition) => {
        const seen = Number(state[`seen:${partition}`] ?? 0)
        const there = log.findLastIndex(({ appendedAt }) => appendedAt <= seen)
        const covered = Number(state[`wm:${partition}`] ?? -1)
        return there > covered
          ? [`shard ${shard} saw the end of ${partition} at ${covered}, it was ${there}`]
          : []
      }),
    )
  }

  /** Workspaces whose counters are not what the log says up to the offset that their shard claims to cover. */
  async differences(): Promise<readonly string[]> {
    const found: string[] = []
    for (const [partition, log] of this.#log.partitions.entries()) {
      for (let index = 0; index < WORKSPACES; index += 1) {
        const workspace = workspaceOf(partition, index)
        const keys = this.#shards[shardOf(workspace, this.#shards.length)]
        const difference = keys === undefined ? null : await this.#difference(keys, { workspace, partition })
        if (difference !== null)
          found.push(`${difference} (partition ${partition} has ${log.length} records)`)
      }
    }
    return found
  }

  async #difference(
    keys: ShardKeys,
    { workspace, partition }: { workspace: string; partition: number },
  ): Promise<string | null> {
    const reads = this.#redis.multi().hgetall(keys.meta).hgetall(keys.usage(workspace))
    const replies = await reads
      .hgetall(keys.holds(workspace))
      .smembers(keys.members(workspace, 'badges'))
      .smembers(keys.members(workspace, 'numbers'))
      .hget(keys.thresholds(workspace), String(partition))
      .exec()
    const [state, { rev: _, ...all }, holds, badges, members, threshold] = (replies ?? []).map(
      ([, reply]) => reply,
    ) as [
      Record<string, string>,
      Record<string, string>,
      Record<string, string>,
      string[],
      string[],
      string | null,
    ]
    if (state['inc'] === undefined || !isWhole(state)) return null
    const offsets = [state[`wm:${partition}`], state[`base:${partition}`], threshold].map((text) =>
      Number(text ?? -1),
    )
    const covered = Math.max(...offsets)
    const truth = this.#log.truth(partition, covered)
    const entries = Object.entries(all)
    const held = Object.fromEntries(entries.filter(([name]) => name.startsWith('h:')))
    const fields: Fields = Object.fromEntries(entries.filter(([name]) => !name.startsWith('h:')))
    const { [ARCHIVE_FIELD]: newest = null, ...counted } = fields
    const through = newest === null ? '' : (await this.#days.page(newest)).through
    const past = await readPastDays(this.#days, newest, '')
    const whole = withPastDays(withoutSplits(counted, through), past)
    const seen = canonical([whole, members.toSorted(), badges.toSorted(), held])
    const sets = { numbers: truth.members(workspace, 'numbers'), badges: truth.members(workspace, 'badges') }
    const wanted = canonical([
      withoutSplits(truth.fields(workspace), through),
      sets.numbers,
      sets.badges,
      sumOfHolds(holds, sets),
    ])
    return seen === wanted ? null : `${workspace} at ${covered}: counted ${seen}, the log says ${wanted}`
  }
}

/** What the open holds of a workspace come to: units, and one for each resource that they name and that is no member. */
function sumOfHolds(holds: Fields, members: Readonly<Record<string, readonly string[]>>): Fields {
  const sums: Record<string, number> = {}
  const named = new Set(
    Object.entries(members).flatMap(([meter, all]) => all.map((one) => `${meter} ${one}`)),
  )
  for (const [name, line] of Object.entries(holds)) {
    if (/^[~=]/.test(name)) continue
    const [, units = '0', , , meter = '', subject = ''] = line.split('|')
    const isAgain = subject !== '' && named.has(`${meter} ${subject}`)
    if (units === '0' || isAgain) continue
    if (subject !== '') named.add(`${meter} ${subject}`)
    sums[`h:${meter}`] = (sums[`h:${meter}`] ?? 0) + Number(units)
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)]))
}

type Fields = Readonly<Record<string, string>>

/** Counters with the past days put back. */
function withPastDays(counted: Fields, past: DayFigures): Fields {
  const whole: Record<string, string> = { ...counted }
  for (const [name, value] of Object.entries(past)) {
    const beside: DayFigures = counted[name] === undefined ? {} : { [name]: Number(counted[name]) }
    whole[name] = String(mergeFigures({ [name]: value }, beside)[name])
  }
  return whole
}

/** A split of a day that is long past is not kept. */
function withoutSplits(fields: Fields, through: string): Fields {
  const kept = Object.entries(fields).filter(([name]) => {
    const field = parseDayField(name)
    return field?.kind !== 'split' || field.day > through
  })
  return Object.fromEntries(kept)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort())
      : item,
  )
}
