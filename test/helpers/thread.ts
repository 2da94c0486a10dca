import { once } from 'node:events'
import { type MessagePort, Worker } from 'node:worker_threads'

/** What a thread does until it is stopped; throws what the thread failed with. */
export interface Thread<Result> {
  readonly stop: () => Promise<Result>
}

/** Starts a file in a thread of its own; resolves when it has begun. The file calls `untilStopped`. */
export async function startThread<Result>(file: URL, options: object): Promise<Thread<Result>> {
  const worker = new Worker(file, { workerData: options })
  await once(worker, 'message')
  return {
    stop: async () => {
      const ended = once(worker, 'message')
      worker.postMessage('stop')
      const [result] = await ended
      return result
    },
  }
}

/** In the thread: it has begun; when it is told to stop, `end` says what it came to. */
export function untilStopped(port: MessagePort, end: () => Promise<unknown>): void {
  port.once('message', async () => port.postMessage(await end()))
  port.postMessage('ready')
}
