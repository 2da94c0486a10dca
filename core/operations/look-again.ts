/** For how long something is looked for beside the time that looking takes, ms: partitions are marked twice a second. */
const WITHIN_MS = 2_000
/** The time between the first two looks, and the most between any two, ms. */
const FIRST_PAUSE_MS = 25
const PAUSE_MAX_MS = 100
/**
 * What each pause is of the one before: most of what is waited for comes at once, and what does not come costs Redis a third of
 * the looks that an even pace takes, however many wait for it.
 */
const GROWTH = 1.2

/** Waits so many milliseconds. */
export type Pause = (forMs: number) => Promise<unknown>

/** Looks until something is found, ever less often, for two seconds and the time that looking takes; null when it was not. */
export async function lookAgain<Found>(
  pause: Pause,
  look: () => Promise<Found | null>,
): Promise<Found | null> {
  let pauseMs = FIRST_PAUSE_MS
  for (let leftMs = WITHIN_MS; ; leftMs -= pauseMs) {
    const found = await look()
    if (found !== null || leftMs <= 0) return found
    pauseMs = Math.min(Math.ceil(pauseMs * (leftMs === WITHIN_MS ? 1 : GROWTH)), PAUSE_MAX_MS, leftMs)
    await pause(pauseMs)
  }
}
