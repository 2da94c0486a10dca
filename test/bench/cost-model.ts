import type { ResultRow, Results } from './results.ts'

/** What the model assumes; everything else is measured. */
export const ASSUMED = {
  eventsPerDay: 1e9,
  workspaces: 1_000_000,
  /** The busiest second against the mean of the day. */
  peak: 3,
  /** Checks, and uses through the API, for each event of the products. */
  checksPerEvent: 1,
  consumesPerEvent: 0.1,
  /** How busy a core may be. */
  busy: 0.6,
  /** Days that dedupe ids are kept: 72 hours after the last of a day came. */
  dedupeDays: 4,
  retentionDays: 14,
  copies: 3,
  /** Bytes that a broker takes a second, a bound of ours. */
  brokerBytes: 50e6,
  /** Share of the workspaces that change in a minute of the day. */
  changing: 0.02,
  /** Rounds of snapshots that MongoDB keeps of a workspace that changes: between two full ones, twice. */
  roundsKept: 128,
} as const

/** One line of the model: what is needed, and how it is computed. */
export interface Need {
  readonly what: string
  readonly need: string
  readonly how: string
}

const DAY_S = 86_400
const GB = 1e9

/** What a thousand million events a day need, from figures of small runs; a figure that is missing leaves its line out. */
export function needsOf(results: Results): readonly Need[] {
  const mean = ASSUMED.eventsPerDay / DAY_S
  const peak = mean * ASSUMED.peak
  const cores = (perSecond: number, us: number): number => Math.ceil((perSecond * us) / (ASSUMED.busy * 1e6))
  const apply = find(results, 'benchRecovery', /^apply/)
  const check = find(results, 'benchCheck', /^check over HTTP$/)
  const consume = find(results, 'benchConsume', /log before the answer/)
  const needs: (Need | null)[] = [
    given([bytesOf(find(results, 'benchSizes', /^log/))], ([bytes]) => {
      const perSecond = peak * bytes
      const brokers = Math.max(Math.ceil((perSecond * ASSUMED.copies) / ASSUMED.brokerBytes), 3)
      const disk = (ASSUMED.eventsPerDay * bytes * ASSUMED.retentionDays * ASSUMED.copies) / GB
      const how = `${bytes} bytes an event: ${mb(perSecond)} MB/s at the peak, ${ASSUMED.copies} copies, ${ASSUMED.retentionDays} days`
      return { what: 'Kafka', need: `${brokers} brokers, ${whole(disk)} GB of disk in all`, how }
    }),
    given([cpuOf(apply, 'consumers')], ([us]) => ({
      what: 'consumers',
      need: `cores: ${cores(peak, us)}, and at least as many partitions`,
      how: `${us} µs an event at ${whole(peak)} events/s`,
    })),
    given(
      [cpuOf(apply, 'redis'), cpuOf(check, 'redis'), cpuOf(consume, 'redis')],
      ([ofApply, ofCheck, ofConsume]) => {
        const us = ofApply + ASSUMED.checksPerEvent * ofCheck + ASSUMED.consumesPerEvent * ofConsume
        const masters = cores(peak, us)
        const how = `${ofApply} µs an event, ${ofCheck} µs a check, ${ofConsume} µs a use; a master has one core`
        return { what: 'Redis masters', need: `${masters}, of 64 shards`, how }
      },
    ),
    given(
      [
        bytesOf(find(results, 'benchRecovery', /^dedupe/)),
        bytesOf(find(results, 'benchWorkspaces', /at rest/)),
      ],
      ([id, workspace]) => {
        const ids = (id * ASSUMED.eventsPerDay * ASSUMED.dedupeDays) / GB
        const rest = (workspace * ASSUMED.workspaces) / GB
        const how = `${id} bytes an id of ${ASSUMED.dedupeDays} days, ${workspace} bytes a workspace at rest`
        return {
          what: 'Redis memory',
          need: `${(ids + rest).toFixed(1)} GB, and as much for each replica`,
          how,
        }
      },
    ),
    given([cpuOf(check, 'api'), cpuOf(consume, 'api')], ([ofCheck, ofConsume]) => {
      const us = ASSUMED.checksPerEvent * ofCheck + ASSUMED.consumesPerEvent * ofConsume
      const how = `${ofCheck} µs a check, ${ofConsume} µs a use`
      return { what: 'API processes', need: `${cores(peak, us)}, of one core each`, how }
    }),
    given(
      [bytesOf(find(results, 'benchSizes', /version/)), bytesOf(find(results, 'benchSizes', /snapshots/))],
      ([version, row]) => {
        const facts = (version * ASSUMED.workspaces) / GB
        const full = (2 * row * ASSUMED.workspaces) / GB
        const rounds = (row * ASSUMED.workspaces * ASSUMED.changing * ASSUMED.roundsKept) / GB
        const perDay = (row * ASSUMED.workspaces * ASSUMED.changing * 1_440) / GB
        const how = `${version} bytes a version, ${row} bytes a workspace and round; ${ASSUMED.changing * 100} % change in a minute`
        const need = `${(facts + full + rounds).toFixed(1)} GB, ${whole(perDay)} GB written a day, folded away again`
        return { what: 'MongoDB', need, how }
      },
    ),
  ]
  return needs.filter((need) => need !== null)
}

/** Computes a line when all its figures are there. */
function given<Values extends readonly (number | null)[]>(
  figures: readonly [...Values],
  compute: (known: { readonly [Index in keyof Values]: number }) => Need,
): Need | null {
  return figures.some((figure) => figure === null) ? null : compute(figures as never)
}

function find(results: Results, bench: string, path: RegExp): ResultRow | null {
  return results.rows.find((row) => row.bench === bench && path.test(row.path)) ?? null
}

/** Processor time of one process for one operation, µs. */
function cpuOf(row: ResultRow | null, process: string): number | null {
  const ours = (row?.cpu ?? '').split('(')[0] ?? ''
  const found = new RegExp(`\\b${process} ([\\d.]+)`).exec(ours)?.[1]
  return found === undefined ? null : Number(found)
}

function bytesOf(row: ResultRow | null): number | null {
  const found = /^([\d.]+) bytes/.exec(row?.figure ?? '')?.[1]
  return found === undefined ? null : Number(found)
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
