/** How often something is looked for, and the time between two looks, ms: partitions are marked twice a second. */
const LOOKS = 80
const PAUSE_MS = 25

/** Waits so many milliseconds. */
export type Pause = (forMs: number) => Promise<unknown>

/** Looks until something is found, for two seconds and the time that looking takes; null when it was not. */
export async function lookAgain<Found>(
  pause: Pause,
  look: () => Promise<Found | null>,
): Promise<Found | null> {
  for (let looks = 1; looks <= LOOKS; looks += 1) {
    const found = await look()
    if (found !== null) return found
    await pause(PAUSE_MS)
  }
  return null
}
