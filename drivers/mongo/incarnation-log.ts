import type { Db } from 'mongodb'
import { AppendLog } from './append-log.ts'

/** Who began a rebuild, and when; for people who read the log. */
export interface Incarnation {
  readonly startedAt: number
  readonly startedBy: string
}

/** The lives of each shard: every rebuild takes the next number, once. */
export class IncarnationLog {
  readonly #log: AppendLog<Incarnation>

  constructor(db: Db) {
    this.#log = new AppendLog(db, 'incarnations')
  }

  /** Number of the newest incarnation of a shard, 0 before the first. */
  async newest(shard: number): Promise<number> {
    return this.#log.length(logOf(shard))
  }

  /** Claims the next incarnation; null when another rebuild took it. */
  async claim(shard: number, incarnation: Incarnation): Promise<number | null> {
    const token = (await this.newest(shard)) + 1
    return (await this.#log.append(logOf(shard), token, incarnation)) ? token : null
  }
}

function logOf(shard: number): string {
  return `s${String(shard).padStart(2, '0')}`
}
