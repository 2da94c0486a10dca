import { setTimeout as pause } from 'node:timers/promises'
import { HOUR_MS } from '#core/instant.ts'
import { seededRandom } from '#test/helpers/random.ts'
import type { System } from '#test/helpers/system.ts'

interface LoadOptions {
  readonly seed: number
  readonly prefix: string
  readonly workspaces: number
  /** How use is spread: by the square of chance, or as 1, 1/2, 1/3 … */
  readonly skew?: 'square' | 'zipf'
  /** Between batches of 300, ms. */
  readonly pauseMs?: number
}

/** Events that are being written until it is stopped. */
export interface Load {
  /** Events that Kafka acknowledged so far. */
  readonly written: () => number
  /** Ends the load; resolves with the number of events that Kafka acknowledged. */
  readonly stop: () => Promise<number>
}

const BATCH = 300
const PAUSE_MS = 60
/** How many of the last events may be copied. */
const REMEMBERED = 20_000

/**
 * Writes events in batches, some four thousand a second: few workspaces get most, a tenth are copies of earlier
 * ones, one in twenty is late. A batch that Kafka did not acknowledge is written again.
 */
export function startLoad(system: System, options: LoadOptions): Load {
  const { seed, prefix, workspaces, skew = 'square', pauseMs = PAUSE_MS } = options
  const below = seededRandom(seed)
  const written: (() => Promise<void>)[] = []
  let isStopped = false
  let count = 0
  let acknowledged = 0
  const pick = skew === 'square' ? squarePick(workspaces) : zipfPick(workspaces)
  const next = (): (() => Promise<void>) => {
    const copied = below(10) === 0 ? written[below(Math.max(written.length, 1))] : undefined
    if (copied !== undefined) return copied
    count += 1
    const lateMs = below(20) === 0 ? below(40) * HOUR_MS : 0
    const workspace = `${prefix}-${pick(below(RESOLUTION) / RESOLUTION)}`
    const envelope = { id: `e${count}`, workspace, occurredAt: Date.now() - lateMs, source: 'load' }
    const lead = { leadId: 'l', action: below(4) === 0 ? 'deleted' : 'created', quantity: 1 + below(3) }
    const call = { function: 'summary', credits: 1 + below(5) }
    const isLead = below(2) === 0
    const write = (): Promise<void> =>
      system.writer.write({
        record: isLead ? 'LeadEvent' : 'AiCallEvent',
        value: Object({ ...envelope, ...(isLead ? lead : call) }),
      })
    written[count % REMEMBERED] = write
    return write
  }
  const run = async (): Promise<number> => {
    while (!isStopped) {
      const batch = Array.from({ length: BATCH }, next)
      await untilWritten(batch)
      acknowledged += batch.length
      await pause(pauseMs)
    }
    return acknowledged
  }
  const running = run()
  return {
    written: () => acknowledged,
    stop: () => {
      isStopped = true
      return running
    },
  }
}

/** Steps of chance in which a workspace is picked. */
const RESOLUTION = 1_000_000

function squarePick(workspaces: number): (chance: number) => number {
  return (chance) => Math.floor(workspaces * chance ** 2)
}

/** The nth of them gets a share of 1/n. */
function zipfPick(workspaces: number): (chance: number) => number {
  const sums: number[] = []
  for (let rank = 1; rank <= workspaces; rank += 1) sums.push((sums.at(-1) ?? 0) + 1 / rank)
  const total = sums.at(-1) ?? 1
  return (chance) => sums.findIndex((sum) => chance * total <= sum)
}

async function untilWritten(batch: readonly (() => Promise<void>)[]): Promise<void> {
  for (let waiting = batch; waiting.length > 0; ) {
    const outcomes = await Promise.allSettled(waiting.map((write) => write()))
    waiting = waiting.filter((_, index) => outcomes[index]?.status === 'rejected')
  }
}
