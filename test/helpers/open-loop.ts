import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Asked, LoopOptions } from './open-loop-thread.ts'

export type { Asked, Question } from './open-loop-thread.ts'

/** Requests at a rate, however long the answers take, from a thread of its own: who measures is not slowed by what else a test does. */
export class OpenLoop {
  readonly #worker: Worker

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Asks once it has warmed up, until it is stopped. */
  static async start(options: LoopOptions): Promise<OpenLoop> {
    const worker = new Worker(new URL('./open-loop-thread.ts', import.meta.url), { workerData: options })
    const loop = new OpenLoop(worker)
    await loop.#said()
    return loop
  }

  /** Asks no more; what was asked, in that order, when all of it is answered. */
  async stop(): Promise<readonly Asked[]> {
    const asked = this.#said()
    this.#worker.postMessage('stop')
    return (await asked) as readonly Asked[]
  }

  /** The next message of the thread. Throws what the thread failed with. */
  async #said(): Promise<unknown> {
    const [message] = await once(this.#worker, 'message')
    return message
  }
}

/** Asks at a rate for so long. */
export async function openLoop({
  forMs,
  ...options
}: LoopOptions & { readonly forMs: number }): Promise<readonly Asked[]> {
  const loop = await OpenLoop.start(options)
  await new Promise((resolve) => setTimeout(resolve, forMs))
  return loop.stop()
}

/** The time that all but one in a hundred stayed within, ms; 0 without any. */
export function p99(asked: readonly Asked[]): number {
  const times = asked.map(({ ms }) => ms).sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? 0
}
