import { setTimeout } from 'node:timers/promises'

interface Patience {
  readonly what: string
  readonly withinMs?: number
}

/** Waits between two looks, ms: longer and longer, since whoever looks takes the time of what it waits for. */
const [FIRST_WAIT_MS, WAIT_MAX_MS, LONGER] = [10, 80, 1.25]

/** Asks until an answer holds and returns it; one that cannot be judged does not. Fails with the last answer or error. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  holds: (value: Value) => boolean,
  { what, withinMs = 45_000 }: Patience,
): Promise<Value> {
  const deadline = performance.now() + withinMs
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * LONGER, WAIT_MAX_MS)) {
    const seen = await ask()
      .then((value) => ({ value, holds: holds(value) }) as const)
      .catch((error: unknown) => ({ error, holds: false }) as const)
    if (seen.holds && 'value' in seen) return seen.value
    if (performance.now() > deadline) {
      const last = 'value' in seen ? JSON.stringify(seen.value) : String(seen.error)
      throw new Error(`waited ${withinMs} ms for ${what}; last seen: ${last}`)
    }
    await setTimeout(waitMs)
  }
}

/** Asks again while the answer is 503, as it says to: engines that many tests share may be late. */
export function answered<Answer extends { readonly status: number }>(
  ask: () => Promise<Answer>,
  what: string,
): Promise<Answer> {
  return eventually(ask, ({ status }) => status !== 503, { what: `${what} to be answered` })
}
