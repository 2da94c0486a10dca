import type { Logger } from 'pino'

interface RetryOptions {
  readonly what: string
  readonly log: Logger
  /** Called between tries; throws to give up (the partition was lost, the process stops). */
  readonly between: () => Promise<void>
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 1_000

/**
 * Makes the same call until it succeeds: a dependency that is down is never a reason to skip data (G13).
 *
 * Ends with what `between` throws.
 */
export async function untilDone<Value>(options: RetryOptions, call: () => Promise<Value>): Promise<Value> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt % 10 === 0)
        options.log.warn({ err: error, attempt }, `${options.what} failed; trying again`)
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min(FIRST_PAUSE_MS * 2 ** attempt, LONGEST_PAUSE_MS)),
    )
    await options.between()
  }
}
