import { once } from 'node:events'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { untilStopped } from './thread.ts'

/** Who is told and asked, by ports of this machine, and with what. */
export interface TellThenAsk {
  readonly tellPort: number
  readonly askPort: number
  /** A whole HTTP request. */
  readonly request: string
  readonly rounds: number
  /** Its first number is 1 once a round has told and asked; whoever is asked waits for it and sets it back to 0. */
  readonly done: Int32Array
}

if (parentPort !== null && workerData?.tellPort !== undefined) {
  const rounds = run(workerData)
  untilStopped(parentPort, () => rounds)
}

/** In each round: asks, and once that is answered tells, and only then asks again over the connection of before. */
async function run({ tellPort, askPort, request, rounds, done }: TellThenAsk): Promise<number> {
  const [tells, asks] = [connect(tellPort, '127.0.0.1'), connect(askPort, '127.0.0.1')]
  await Promise.all([once(tells, 'connect'), once(asks, 'connect')])
  for (let round = 0; round < rounds; round += 1) {
    asks.write(request)
    await once(asks, 'data')
    await new Promise<void>((told) => void tells.write('.', () => told()))
    const answered = once(asks, 'data')
    await new Promise<void>((asked) => void asks.write(request, () => asked()))
    Atomics.store(done, 0, 1)
    Atomics.notify(done, 0)
    await answered
  }
  tells.destroy()
  asks.destroy()
  return rounds
}
