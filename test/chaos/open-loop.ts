/** What became of one request. */
export interface Asked {
  readonly status: number
  readonly ms: number
  /** Whether it said when to come again. */
  readonly hasRetryAfter: boolean
}

interface OpenLoopOptions {
  readonly perSecond: number
  readonly forMs: number
  readonly ask: () => Promise<Response>
}

const TICK_MS = 20

/** Asks at a rate, however long the answers take; status 0 where there was none. */
export async function openLoop({ perSecond, forMs, ask }: OpenLoopOptions): Promise<readonly Asked[]> {
  const startedAt = performance.now()
  const asked: Promise<Asked>[] = []
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt
      const due = Math.floor((Math.min(elapsed, forMs) * perSecond) / 1_000)
      while (asked.length < due) asked.push(timed(ask))
      if (elapsed < forMs) return
      clearInterval(timer)
      resolve()
    }, TICK_MS)
  })
  return Promise.all(asked)
}

async function timed(ask: () => Promise<Response>): Promise<Asked> {
  const startedAt = performance.now()
  try {
    const response = await ask()
    await response.arrayBuffer()
    const hasRetryAfter = response.headers.has('retry-after')
    return { status: response.status, ms: performance.now() - startedAt, hasRetryAfter }
  } catch {
    return { status: 0, ms: performance.now() - startedAt, hasRetryAfter: false }
  }
}

/** The time that all but one in a hundred stayed within, ms; 0 without any. */
export function p99(asked: readonly Asked[]): number {
  const times = asked.map(({ ms }) => ms).sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? 0
}
