import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILLER = 'filler'

/** A disk of its own under a directory, that can be filled; there is none where that takes rights that we do not have. */
export class Disk {
  readonly isThere: boolean
  readonly #dir: string

  constructor(dir: string, megabytes: number) {
    this.#dir = dir
    mkdirSync(dir, { recursive: true })
    const mount = ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', dir]
    this.isThere = spawnSync('mount', mount).status === 0
  }

  /** Leaves so many bytes free, or what others leave who write at the same time. */
  fill(left: number): void {
    const { bavail, bsize } = statfsSync(this.#dir)
    try {
      writeFileSync(join(this.#dir, FILLER), Buffer.alloc(Math.max(bavail * bsize - left, 0), 1))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }

  /** Gives the space back. */
  free(): void {
    rmSync(join(this.#dir, FILLER), { force: true })
  }

  /** Takes it away with all that is on it. */
  remove(): void {
    if (this.isThere) spawnSync('umount', [this.#dir])
  }
}
