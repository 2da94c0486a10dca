import { readFileSync } from 'node:fs'
import { runningPid } from '#deploy/local/process.ts'
import { RUN_DIR } from '#test/helpers/engines.ts'
import type { System } from '#test/helpers/system.ts'
import { median } from './statistics.ts'

/** Ticks of `/proc/<pid>/stat` a second: 100 on every Linux that Node runs on. */
const TICK_US = 10_000

/** Microseconds for one operation, by process. */
export type Cpu = Readonly<Record<string, number>>

/** What rounds come to: of each process the median, dearest first; without what hardly did anything. */
export function cpuText(rounds: readonly Cpu[]): string {
  const names = [...new Set(rounds.flatMap((round) => Object.keys(round)))]
  return names
    .map((name) => ({ name, us: median(rounds.map((round) => round[name] ?? 0)) }))
    .filter(({ us }) => us >= 0.05)
    .sort((a, b) => b.us - a.us)
    .map(({ name, us }) => `${name} ${us.toFixed(1)}`)
    .join(' · ')
}

/**
 * Processor time that each process spends, so that a figure can be told from a busy machine: a rate falls when others
 * run, microseconds an operation hardly do.
 */
export class CpuTime {
  readonly #pids: () => Readonly<Record<string, number | null>>
  #before: Readonly<Record<string, number>> = {}

  private constructor(pids: () => Readonly<Record<string, number | null>>) {
    this.#pids = pids
    this.restart()
  }

  /** Of the processes of a system, its Redis and broker, and whoever measures. */
  static async of(system: System, others: () => Readonly<Record<string, number | null>> = () => ({})) {
    const info = 'info' in system.redis ? await system.redis.info('server') : ''
    const redis = Number(/process_id:(\d+)/.exec(info)?.[1] ?? 0)
    const engines = process.env[RUN_DIR]
    return new CpuTime(() => ({
      api: system.pidOf('api'),
      consumers: system.pidOf('consumers'),
      redis: redis === 0 ? null : redis,
      kafka: engines === undefined ? null : runningPid(engines, 'kafka'),
      load: process.pid,
      ...others(),
    }))
  }

  restart(): void {
    this.#before = this.#read()
  }

  /** Microseconds of each process for one of so many operations since the start. */
  each(operations: number): Cpu {
    return Object.fromEntries(
      Object.entries(this.#read()).map(([name, us]) => [name, (us - (this.#before[name] ?? 0)) / operations]),
    )
  }

  /** Of some of the processes together: microseconds for one of so many operations. */
  together(names: readonly string[], operations: number): number {
    const each = this.each(operations)
    return names.reduce((sum, name) => sum + (each[name] ?? 0), 0)
  }

  #read(): Record<string, number> {
    return Object.fromEntries(
      Object.entries(this.#pids()).flatMap(([name, pid]) => (pid === null ? [] : [[name, cpuOf(pid)]])),
    )
  }
}

/** User and system time of a process with all its threads, µs; 0 where it cannot be read. */
export function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * TICK_US
  } catch {
    return 0
  }
}
