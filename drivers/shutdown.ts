import type { Logger } from 'pino'

/** What a process must close, in the order it was opened. */
export interface Shutdown {
  /** Adds something to close; the last one added is closed first. */
  readonly add: (name: string, close: () => Promise<unknown>) => void
  /** Closes everything and ends the process with a code. */
  readonly end: (reason: string, code: number) => Promise<never>
}

/** A process that does not close in time is ended all the same. */
const DEADLINE_MS = 9_000

/** Closes in reverse order on SIGTERM and SIGINT, then exits 0. */
export function shutdownOnSignals(log: Logger): Shutdown {
  const closers: { name: string; close: () => Promise<unknown> }[] = []
  let ending: Promise<never> | null = null
  const end = async (reason: string, code: number): Promise<never> => {
    log.info({ reason }, 'stopping')
    setTimeout(() => process.exit(code === 0 ? 1 : code), DEADLINE_MS).unref()
    for (const { name, close } of closers.toReversed()) {
      await close().catch((error: unknown) => log.warn({ err: error }, `${name} did not close`))
    }
    process.exit(code)
  }
  const endOnce = (reason: string, code: number): Promise<never> => {
    ending ??= end(reason, code)
    return ending
  }
  process.once('SIGTERM', () => void endOnce('SIGTERM', 0))
  process.once('SIGINT', () => void endOnce('SIGINT', 0))
  return { add: (name, close) => closers.push({ name, close }), end: endOnce }
}
