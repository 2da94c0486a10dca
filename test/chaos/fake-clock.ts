import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Instant } from '#core/instant.ts'
import { hasCommand, runCommand } from '#deploy/local/run-command.ts'

const SOURCE = join(import.meta.dirname, 'fake-clock.c')
const NS_OF_MS = 1_000_000n

/** A wall clock for the processes that are started with its environment; it can be set while they run. */
export class FakeClock {
  /** For whoever is to have this time. */
  readonly env: Readonly<Record<string, string>>
  readonly #dir: string
  readonly #file: number
  #aheadMs = 0

  private constructor(dir: string) {
    this.#dir = dir
    const path = join(dir, 'ahead')
    this.#file = openSync(path, 'w')
    this.env = { LD_PRELOAD: libraryIn(dir), FAKE_CLOCK: path }
    this.set(Date.now())
  }

  /** Null, with the reason printed, where there is no C compiler. */
  static async open(): Promise<FakeClock | null> {
    if (process.platform !== 'linux' || !(await hasCommand('cc'))) {
      process.stdout.write('a clock of one’s own needs Linux and a C compiler (Debian: gcc): skipped\n')
      return null
    }
    const dir = mkdtempSync(join(tmpdir(), 'tallygate-clock-'))
    await runCommand('cc', ['-shared', '-fPIC', '-O2', '-o', libraryIn(dir), SOURCE])
    return new FakeClock(dir)
  }

  /** What it shows. */
  now(): Instant {
    return Date.now() + this.#aheadMs
  }

  /** Shows another time from now on and goes on from there. */
  set(at: Instant): void {
    this.#aheadMs = at - Date.now()
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(BigInt(this.#aheadMs) * NS_OF_MS)
    writeSync(this.#file, bytes, 0, 8, 0)
  }

  close(): void {
    closeSync(this.#file)
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

function libraryIn(dir: string): string {
  return join(dir, 'fake-clock.so')
}
