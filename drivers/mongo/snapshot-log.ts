import { BSON, type Collection, type Db } from 'mongodb'
import type { Offsets, SnapshotRow } from '#drivers/redis/snapshot-scripts.ts'
import { isDuplicateKey, padNumber } from './append-log.ts'

/** One round of snapshots of a shard: it counts from the moment its header exists. */
export interface SnapshotHeader {
  readonly round: number
  readonly incarnation: string
  readonly nonce: string
  /** What every workspace is covered up to, whether it has a row or did not change. */
  readonly base: Offsets
  /** Append time of the last covered record of each partition, ms. */
  readonly at: Readonly<Record<string, number>>
  /** Partitions whose log was cut before all of it was counted: use is missing that no later round has either. */
  readonly lowerBounds: readonly number[]
  /** Holds every workspace that any round before it holds. */
  readonly full: boolean
}

/** A life of a shard in Redis, null for none, and the newest one that MongoDB knows. */
export interface KnownLives {
  readonly incarnation: string | null
  readonly newest: number
}

/**
 * Whether MongoDB was restored to before the life of a shard in Redis, and that has stored no round since.
 *
 * That life began with all that the rounds in MongoDB hold. They say nothing of it: it may have stored what is on no list any
 * more, and a rebase may have begun it, so that their offsets are of another log.
 */
export function lacksLife(last: SnapshotHeader | undefined, { incarnation, newest }: KnownLives): boolean {
  return incarnation !== null && Number(incarnation) > newest && last?.incarnation !== incarnation
}

/** Where snapshots are kept: a log of inserts. */
export interface SnapshotStore {
  /** Headers of a shard, oldest first. */
  headers(shard: number): Promise<readonly SnapshotHeader[]>
  /** Stores rows and then the header; false when another made that round. */
  append(shard: number, header: SnapshotHeader, rows: readonly SnapshotRow[]): Promise<boolean>
  /** Rows of a round; null when a part is missing. */
  rows(shard: number, header: SnapshotHeader): Promise<readonly SnapshotRow[] | null>
  /** Takes rounds away that no rebuild needs any more. */
  drop(shard: number, headers: readonly SnapshotHeader[]): Promise<void>
}

/** Bounds of one segment: far below the 16 MiB of a document. */
const SEGMENT_ROWS_MAX = 500
const SEGMENT_BYTES_MAX = 4 * 1_024 * 1_024

interface HeaderDocument extends SnapshotHeader {
  readonly _id: string
  /** Segments of the round; it is whole only with all of them. */
  readonly parts: number
}

interface SegmentDocument {
  readonly _id: string
  readonly rows: readonly SnapshotRow[]
}

interface SnapshotLogOptions {
  /** Rows of one segment at most. */
  readonly segmentRowsMax?: number
}

/** Snapshots in MongoDB. */
export class SnapshotLog implements SnapshotStore {
  readonly #rowsMax: number
  readonly #headers: Collection<HeaderDocument>
  readonly #segments: Collection<SegmentDocument>

  constructor(db: Db, { segmentRowsMax = SEGMENT_ROWS_MAX }: SnapshotLogOptions = {}) {
    this.#rowsMax = segmentRowsMax
    this.#headers = db.collection('snapshot_headers')
    this.#segments = db.collection('snapshot_segments')
  }

  async headers(shard: number): Promise<readonly SnapshotHeader[]> {
    const prefix = prefixOf(shard)
    const found = await this.#headers.find({ _id: { $gte: `${prefix}/`, $lt: `${prefix}0` } }).toArray()
    return found
      .map(({ _id, parts, ...header }) => ({ ...header, lowerBounds: header.lowerBounds ?? [] }))
      .sort((a, b) => a.round - b.round)
  }

  async append(shard: number, header: SnapshotHeader, rows: readonly SnapshotRow[]): Promise<boolean> {
    const segments = segmentsOf(rows, this.#rowsMax).map((own, part) => ({
      _id: segmentId(shard, header, part),
      rows: own,
    }))
    if (segments.length > 0) await this.#segments.insertMany(segments)
    try {
      await this.#headers.insertOne({
        _id: headerId(shard, header.round),
        ...header,
        parts: segments.length,
      })
      return true
    } catch (error) {
      if (isDuplicateKey(error)) return false
      throw error
    }
  }

  async rows(shard: number, header: SnapshotHeader): Promise<readonly SnapshotRow[] | null> {
    const stored = await this.#headers.findOne({ _id: headerId(shard, header.round) })
    if (stored === null || stored.nonce !== header.nonce) return null
    const rows: SnapshotRow[] = []
    for (let part = 0; part < stored.parts; part += 1) {
      const segment = await this.#segments.findOne({ _id: segmentId(shard, header, part) })
      if (segment === null) return null
      for (const row of segment.rows) addRow(rows, row)
    }
    return rows
  }

  async drop(shard: number, headers: readonly SnapshotHeader[]): Promise<void> {
    for (const { round } of headers) {
      const id = headerId(shard, round)
      await this.#headers.deleteOne({ _id: id })
      await this.#segments.deleteMany({ _id: { $gte: `${id}/`, $lt: `${id}0` } })
    }
  }
}

/** Members in one stored row: more of them stand in further rows of the workspace, so that none passes what MongoDB takes. */
const MEMBERS_MAX = 10_000

/** A row whose members are many, as several: the first has all but members beyond the first thousands. */
function cutRow(row: SnapshotRow): readonly SnapshotRow[] {
  const { workspace, above, members } = row
  if (Object.values(members).every((own) => own.length <= MEMBERS_MAX)) return [row]
  const pieces = Object.entries(members).flatMap(([meter, own]) =>
    Array.from({ length: Math.ceil(own.length / MEMBERS_MAX) }, (_, piece): SnapshotRow => {
      const some = own.slice(piece * MEMBERS_MAX, (piece + 1) * MEMBERS_MAX)
      return { workspace, fields: {}, members: { [meter]: some }, above }
    }),
  )
  return [{ ...row, members: {} }, ...pieces]
}

/** Puts a row as it was stored to those before it: a workspace has one, or one after another that were cut. */
function addRow(rows: SnapshotRow[], row: SnapshotRow): void {
  const last = rows.at(-1)
  if (last?.workspace !== row.workspace) {
    rows.push(row)
    return
  }
  const members: Record<string, readonly string[]> = { ...last.members }
  for (const [meter, own] of Object.entries(row.members)) members[meter] = [...(members[meter] ?? []), ...own]
  rows[rows.length - 1] = { ...last, members }
}

/** Rows cut into segments by count and by bytes. */
function segmentsOf(rows: readonly SnapshotRow[], rowsMax: number): readonly (readonly SnapshotRow[])[] {
  const segments: SnapshotRow[][] = []
  let bytes = SEGMENT_BYTES_MAX
  for (const row of rows.flatMap(cutRow)) {
    const size = BSON.calculateObjectSize(row)
    const last = segments.at(-1)
    if (last === undefined || last.length === rowsMax || bytes + size > SEGMENT_BYTES_MAX) {
      segments.push([row])
      bytes = size
    } else {
      last.push(row)
      bytes += size
    }
  }
  return segments
}

function prefixOf(shard: number): string {
  return `s${String(shard).padStart(2, '0')}`
}

function headerId(shard: number, round: number): string {
  return `${prefixOf(shard)}/${padNumber(round)}`
}

function segmentId(shard: number, { round, nonce }: SnapshotHeader, part: number): string {
  return `${headerId(shard, round)}/${nonce}/${padNumber(part)}`
}
