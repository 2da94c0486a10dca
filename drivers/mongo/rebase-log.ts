import type { Db } from 'mongodb'
import { AppendLog } from './append-log.ts'

/** One time that a partition was begun anew. */
export interface RebaseEntry {
  readonly at: number
  readonly by: string
  readonly partition: number
  /** The new log, when it was taken over. */
  readonly low: number
  readonly high: number
  /** Last offset of the old log that was counted. */
  readonly counted: number
  /** The operator said that all of the old log had been counted. */
  readonly isComplete: boolean
}

const LOG = 'usage.events'

/** Every rebase, written before anything of it is done. */
export class RebaseLog {
  readonly #log: AppendLog<RebaseEntry>

  constructor(db: Db) {
    this.#log = new AppendLog(db, 'rebases')
  }

  /** All of them, oldest first. */
  async all(): Promise<readonly RebaseEntry[]> {
    return this.#log.read(LOG)
  }

  /** Adds one after those that are there. */
  async append(entry: RebaseEntry): Promise<void> {
    for (let number = (await this.#log.length(LOG)) + 1; ; number += 1) {
      if (await this.#log.append(LOG, number, entry)) return
    }
  }
}
