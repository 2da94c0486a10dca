/** What is set aside by a reservation. */
export interface Hold {
  /**
   * Whether units are set aside. An allowed answer without a hold was given by policy: there is nothing to commit, the
   * use is counted by your own event.
   */
  readonly held: boolean
  /** Until when it is held, by the service's clock; null when it is not. */
  readonly expiresAt: string | null
  /** How long it is held from the answer on, ms; null when it is not. */
  readonly remainingMs: number | null
}

/** An answer as the service states it; one of before `held` says only when it ends. */
export interface ServedHold {
  readonly allowed: boolean
  readonly replayed: boolean
  readonly decisions: readonly { readonly degraded: boolean }[]
  readonly held?: boolean
  readonly expiresAt?: string | null
  readonly remainingMs?: number | null
}

/** Nothing is set aside. */
export const NO_HOLD: Hold = { held: false, expiresAt: null, remainingMs: null }

/** The `date` of an answer has whole seconds. */
const DATE_STEP_MS = 1_000

/**
 * What an answer says is held: never by a clock of the caller's, which may be minutes off.
 *
 * Where an older service does not say it, its end is compared with the latest instant that the answer's `date` may mean.
 */
export function holdOf(served: ServedHold, date: string | null): Hold {
  const { expiresAt = null } = served
  const remainingMs = served.remainingMs ?? leftBy(expiresAt, date)
  const { held = isHeldBefore(served, remainingMs) } = served
  return held ? { held, expiresAt, remainingMs } : NO_HOLD
}

function isHeldBefore({ allowed, replayed, decisions }: ServedHold, leftMs: number): boolean {
  return allowed && (!replayed || leftMs > 0) && decisions.every(({ degraded }) => !degraded)
}

/** Only where a gateway takes the header away is there no clock but our own. */
function leftBy(expiresAt: string | null, date: string | null): number {
  const now = date === null ? Date.now() : Date.parse(date) + DATE_STEP_MS
  return Math.max(Date.parse(expiresAt ?? '') - now, 0)
}
