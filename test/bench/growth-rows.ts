import { FLAT_GOAL, isFlat, median, medianRatio, ROUNDS, type Row } from './statistics.ts'

/** How many are used, however many there are. */
export const USED = 1_000
const BYTES_MAX = 400
/** Which workspaces are used: the same thousand, or any of them. */
export type Among = 'same' | 'any'

const OPERATIONS = ['check', 'consume', 'apply'] as const

/** Processor time of the system for one operation, µs. */
export type Costs = Readonly<Record<(typeof OPERATIONS)[number], number>>

/** One after another: the few, then the same thousand of many, then any of many. */
export type Round = Readonly<Record<'few' | Among, Costs>>

/** Bytes of Redis of a workspace at rest, all but dedupe ids; and what of it single keys say that they take. */
export interface Bytes {
  readonly all: number
  readonly parts: string
}

/** What was measured at one size, all rounds of it. */
export interface Size {
  readonly count: number
  readonly rounds: readonly Round[]
  readonly bytes: Bytes
}

/** The few that all sizes are set against. */
type Start = Omit<Size, 'rounds'>

interface Of {
  readonly operation: keyof Costs
  readonly among: Among
}

/** The lines of what sizes came to; `start` is what the few beside them take. */
export function growthRows(start: Start, sizes: readonly Size[]): readonly Row[] {
  const flat = (['same', 'any'] as const).flatMap((among) =>
    OPERATIONS.map((operation) => flatRow(start, sizes, { operation, among })),
  )
  return [...flat, bytesRow([start, ...sizes])]
}

function flatRow(start: Start, sizes: readonly Size[], { operation, among }: Of): Row {
  const figures = (size: Size, side: keyof Round) => size.rounds.map((round) => round[side][operation])
  const last = sizes.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  const [few, many] = [figures(last, 'few'), figures(last, among)]
  const ratio = medianRatio(many, few)
  const used = among === 'same' ? `the same ${USED} used` : 'any used'
  const points = sizes.map((size): [number, number] => [size.count, median(figures(size, among))])
  return {
    path: `${operation} with ${last.count.toLocaleString('en')} workspaces, ${used}`,
    figure: `${median(many).toFixed(1)} µs of cpu`,
    limit: `with ${start.count.toLocaleString('en')} ${median(few).toFixed(1)} µs`,
    ratio,
    rounds: ROUNDS,
    goal: { text: FLAT_GOAL, isMet: isFlat(ratio) },
    curve: {
      picture: `workspaces-${among}`,
      name: operation,
      points: [[start.count, median(few)], ...points],
    },
  }
}

function bytesRow(sizes: readonly Start[]): Row {
  const points = sizes.map(({ count, bytes }): [number, number] => [count, bytes.all])
  const last = sizes.at(-1)
  if (last === undefined) throw new Error('nothing was measured')
  return {
    path: 'Redis memory of a workspace at rest',
    figure: `${last.bytes.all.toFixed(0)} bytes`,
    limit: last.bytes.parts,
    ratio: null,
    rounds: 1,
    goal: { text: `≤ ${BYTES_MAX} bytes`, isMet: last.bytes.all <= BYTES_MAX },
    curve: { picture: 'bytes', name: 'bytes', points },
  }
}
