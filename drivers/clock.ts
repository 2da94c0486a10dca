import type { Instant } from '#core/instant.ts'

/** The process's clock: for what is stored and shown, never for what is counted or decided. */
export function systemClock(): Instant {
  return Date.now()
}
