import { SHARDS_CLUSTER } from '#drivers/redis/keys.ts'
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
const MINUTES_OF_DAY = 1_440
const GB = 1e9
/** Events a second at the peak. */
const PEAK = (ASSUMED.eventsPerDay / DAY_S) * ASSUMED.peak

/**
 * What a thousand million events a day need, from figures of small runs. Throws an error that names every figure which the results
 * lack: a model without one of its lines would look whole.
 */
export function needsOf(results: Results): readonly Need[] {
  const figures = readFigures(results)
  return [
    kafkaOf(figures),
    consumersOf(figures),
    mastersOf(figures),
    memoryOf(figures),
    processesOf(figures),
    mongoOf(figures),
  ]
}

/** Where the model finds a figure: bytes, or the processor time of one process for one operation, µs. */
interface Source {
  readonly bench: string
  readonly path: RegExp
  readonly process?: 'api' | 'redis' | 'consumers'
}

const APPLY = { bench: 'benchRecovery', path: /^apply/ } as const
/** Of many workspaces: what products ask about is rarely one. */
const CHECK = { bench: 'benchCheck', path: /^check over HTTP, [\d,]+ workspaces$/ } as const
const CONSUME = { bench: 'benchConsume', path: /log before the answer$/ } as const

const SOURCES = {
  event: { bench: 'benchSizes', path: /^log/ },
  version: { bench: 'benchSizes', path: /version/ },
  snapshot: { bench: 'benchSizes', path: /snapshots/ },
  id: { bench: 'benchRecovery', path: /^dedupe/ },
  workspace: { bench: 'benchWorkspaces', path: /at rest/ },
  applyConsumers: { ...APPLY, process: 'consumers' },
  applyRedis: { ...APPLY, process: 'redis' },
  checkRedis: { ...CHECK, process: 'redis' },
  checkApi: { ...CHECK, process: 'api' },
  consumeRedis: { ...CONSUME, process: 'redis' },
  consumeApi: { ...CONSUME, process: 'api' },
} as const satisfies Record<string, Source>

type Figures = Readonly<Record<keyof typeof SOURCES, number>>

function readFigures({ rows }: Results): Figures {
  const read = Object.entries(SOURCES).map(([name, source]: [string, Source]) => {
    const row = rows.find(({ bench, path }) => bench === source.bench && source.path.test(path))
    return { name, source, figure: row === undefined ? null : figureOf(row, source) }
  })
  const missing = read.flatMap(({ figure, source: { bench, path, process } }) => {
    return figure === null
      ? [`${bench} ${path}: ${process === undefined ? 'bytes' : `µs of ${process}`}`]
      : []
  })
  if (missing.length > 0) throw new Error(`the cost model lacks figures, measure them: ${missing.join('; ')}`)
  return Object.fromEntries(read.map(({ name, figure }) => [name, figure])) as Figures
}

function figureOf({ figure, cpu = '' }: ResultRow, { process }: Source): number | null {
  const ours = cpu.split('(')[0] ?? ''
  const found =
    process === undefined ? /^([\d.]+) bytes/.exec(figure) : new RegExp(`\\b${process} ([\\d.]+)`).exec(ours)
  return found === null ? null : Number(found[1])
}

function kafkaOf({ event }: Figures): Need {
  const perSecond = PEAK * event
  const brokers = Math.max(Math.ceil((perSecond * ASSUMED.copies) / ASSUMED.brokerBytes), ASSUMED.copies)
  const disk = (ASSUMED.eventsPerDay * event * ASSUMED.retentionDays * ASSUMED.copies) / GB
  const how = `${event} bytes an event: ${mb(perSecond)} MB/s at the peak, ${ASSUMED.copies} copies, ${ASSUMED.retentionDays} days`
  return { what: 'Kafka', need: `${brokers} brokers, ${whole(disk)} GB of disk in all`, how }
}

function consumersOf({ applyConsumers }: Figures): Need {
  return {
    what: 'consumers',
    need: `cores: ${cores(applyConsumers)}, and at least as many partitions`,
    how: `${applyConsumers} µs an event at ${whole(PEAK)} events/s`,
  }
}

function mastersOf({ applyRedis, checkRedis, consumeRedis }: Figures): Need {
  const us = applyRedis + ASSUMED.checksPerEvent * checkRedis + ASSUMED.consumesPerEvent * consumeRedis
  const masters = cores(us)
  const how = `${applyRedis} µs an event, ${checkRedis} µs a check, ${consumeRedis} µs a use; a master has one core`
  const each = Math.ceil(SHARDS_CLUSTER / masters)
  return {
    what: 'Redis masters',
    need: `${masters}, with at most ${each} of ${SHARDS_CLUSTER} shards each`,
    how,
  }
}

function memoryOf({ id, workspace }: Figures): Need {
  const ids = (id * ASSUMED.eventsPerDay * ASSUMED.dedupeDays) / GB
  const rest = (workspace * ASSUMED.workspaces) / GB
  return {
    what: 'Redis memory',
    need: `${(ids + rest).toFixed(1)} GB, and as much for each replica`,
    how: `${id} bytes an id of ${ASSUMED.dedupeDays} days, ${workspace} bytes a workspace at rest`,
  }
}

function processesOf({ checkApi, consumeApi }: Figures): Need {
  const us = ASSUMED.checksPerEvent * checkApi + ASSUMED.consumesPerEvent * consumeApi
  const how = `${checkApi} µs a check, ${consumeApi} µs a use`
  return { what: 'API processes', need: `${cores(us)}, of one core each`, how }
}

function mongoOf({ version, snapshot }: Figures): Need {
  const facts = (version * ASSUMED.workspaces) / GB
  const full = (2 * snapshot * ASSUMED.workspaces) / GB
  const changed = snapshot * ASSUMED.workspaces * ASSUMED.changing
  const rounds = (changed * ASSUMED.roundsKept) / GB
  const how = `${version} bytes a version, ${snapshot} bytes a workspace and round; ${ASSUMED.changing * 100} % change in a minute`
  const perDay = (changed * MINUTES_OF_DAY) / GB
  const need = `${(facts + full + rounds).toFixed(1)} GB, ${whole(perDay)} GB written a day, folded away again`
  return { what: 'MongoDB', need, how }
}

/** Cores for something that takes so many µs for each event, at the peak. */
function cores(us: number): number {
  return Math.ceil((PEAK * us) / (ASSUMED.busy * 1e6))
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
