import type { Logger } from 'pino'
import { TallygateError } from '#core/errors.ts'
import { Type } from './json-schema.ts'

/** Settings of starting. */
export const startEnv = {
  START_DEADLINE_MS: Type.Integer({
    default: 60_000,
    minimum: 0,
    maximum: 3_600_000,
    description:
      'How long a process that starts waits for each engine before it ends, ms; the API does not wait for Kafka and the registry',
  }),
}

/** Something that must be there before a process can start. */
interface Dependency {
  /** As people call it. */
  readonly name: string
  /** The setting that says where it is. */
  readonly setting: string
  /** Whether it can be reached and said no: then waiting helps nobody. */
  readonly isAnswer?: (error: unknown) => boolean
}

/** How a process that starts waits. */
export interface WaitOptions {
  readonly log: Logger
  readonly withinMs: number
}

/** The first line comes soon, so that nobody wonders; the others come seldom. */
const FIRST_LINE_MS = 1_000
const LINE_EVERY_MS = 5_000
const PAUSE_MS = 250

/**
 * Connects to what a process needs, again and again, with a line of the log about what is waited for.
 *
 * Throws what connecting throws at once where it is no `unavailable` or the engine itself refused, and the last
 * `unavailable`, or one that names the setting, once the time is over.
 */
export async function untilThere<Value>(
  dependency: Dependency,
  { log, withinMs }: WaitOptions,
  connect: () => Promise<Value>,
): Promise<Value> {
  const { name, setting, isAnswer = () => false } = dependency
  const startedAt = performance.now()
  const waited = (): number => Math.round(performance.now() - startedAt)
  let lastError: unknown = null
  const tell = (): void => {
    log.warn({ err: lastError, waitedMs: waited(), withinMs }, `waiting for ${name}: look at ${setting}`)
  }
  const timers = [setTimeout(tell, FIRST_LINE_MS), setInterval(tell, LINE_EVERY_MS)]
  const isOver = new AbortController()
  const tries = async (): Promise<Value> => {
    for (;;) {
      try {
        return await connect()
      } catch (error) {
        const mayCome = error instanceof TallygateError && error.code === 'unavailable' && !isAnswer(error)
        if (!mayCome || isOver.signal.aborted) throw error
        lastError = error
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  const deadline = new Promise<never>((_, reject) => {
    timers.push(
      setTimeout(() => {
        isOver.abort()
        const message = `${name} has not answered for ${withinMs} ms: look at ${setting}, and whether ${name} runs`
        reject(lastError ?? new TallygateError('unavailable', message))
      }, withinMs),
    )
  })
  try {
    return await Promise.race([tries(), deadline])
  } finally {
    for (const timer of timers) clearTimeout(timer)
  }
}
