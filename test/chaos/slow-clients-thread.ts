import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type SlowOptions, slowClients } from './slow-clients.ts'

/** Slow clients in a thread of their own, so that whoever measures beside them is not slowed down by them. */
export function slowClientsElsewhere(options: SlowOptions): Promise<readonly number[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

if (parentPort !== null && workerData?.slowness !== undefined) {
  parentPort.postMessage(await slowClients(workerData))
}
