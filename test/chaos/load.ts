import { setTimeout as pause } from 'node:timers/promises'
import { HOUR_MS } from '#core/instant.ts'
import { seededRandom } from '#test/helpers/random.ts'
import type { System } from '#test/helpers/system.ts'

interface LoadOptions {
  readonly seed: number
  readonly prefix: string
  readonly workspaces: number
  /** Between batches of 300, ms. */
  readonly pauseMs?: number
}

/** Events that are being written until it is stopped. */
export interface Load {
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
  const { seed, prefix, workspaces, pauseMs = PAUSE_MS } = options
  const below = seededRandom(seed)
  const written: (() => Promise<void>)[] = []
  let isStopped = false
  let count = 0
  const next = (): (() => Promise<void>) => {
    const copied = below(10) === 0 ? written[below(Math.max(written.length, 1))] : undefined
    if (copied !== undefined) return copied
    count += 1
    const lateMs = below(20) === 0 ? below(40) * HOUR_MS : 0
    const workspace = `${prefix}-${Math.floor(workspaces * (below(1_000) / 1_000) ** 2)}`
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
    let acknowledged = 0
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
    stop: () => {
      isStopped = true
      return running
    },
  }
}

async function untilWritten(batch: readonly (() => Promise<void>)[]): Promise<void> {
  for (let waiting = batch; waiting.length > 0; ) {
    const outcomes = await Promise.allSettled(waiting.map((write) => write()))
    waiting = waiting.filter((_, index) => outcomes[index]?.status === 'rejected')
  }
}
