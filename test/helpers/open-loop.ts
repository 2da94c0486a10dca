import type { Asked, LoopOptions } from './open-loop-thread.ts'
import { startThread, type Thread } from './thread.ts'

export type { Asked, Question } from './open-loop-thread.ts'

/** Asks at a rate, however long the answers take, from a thread of its own: who measures is not slowed by what else a test does. */
export function startOpenLoop(options: LoopOptions): Promise<Thread<readonly Asked[]>> {
  return startThread(new URL('./open-loop-thread.ts', import.meta.url), options)
}

/** The same for so long; what was asked, in that order, when all of it is answered. */
export async function openLoop({
  forMs,
  ...options
}: LoopOptions & { readonly forMs: number }): Promise<readonly Asked[]> {
  const loop = await startOpenLoop(options)
  await new Promise((resolve) => setTimeout(resolve, forMs))
  return loop.stop()
}

/** The time that all but one in a hundred stayed within, ms; NaN without any. */
export function p99(asked: readonly Pick<Asked, 'ms'>[]): number {
  const times = asked.map(({ ms }) => ms).sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? Number.NaN
}
