import { dayOf, HOUR_MS } from '#core/instant.ts'
import { CounterModel, type ModelEvent } from '#core/usage/counter-model.ts'
import type { OwnUsage } from '#core/usage/own-usage.ts'
import { parseReservation } from '#core/usage/reservation.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import type { SliceEvent } from '#drivers/redis/apply.ts'
import { type DedupeId, dedupeHasher, type EventIdentity } from '#drivers/redis/dedupe-id.ts'

/** A number from 0 to below its argument. */
export type Next = (below: number) => number

interface LoggedEvent extends SliceEvent {
  readonly identity: string
}

const hash = dedupeHasher('s'.repeat(64))

/** Identity of the events of this log, hashed; few sets, so that a slice puts many ids into one. */
export function hasher(identity: EventIdentity): DedupeId {
  const { member, subShard } = hash(identity)
  return { member, subShard: subShard % 3 }
}

/** Copies of an event stay within this of the first one: a bit less than the dedupe window. */
const COPY_WITHIN_MS = 71 * HOUR_MS
export const WORKSPACES = 6

/** A log of several partitions, as Kafka would hold it, and the truth that it states. */
export class EventLog {
  readonly partitions: readonly LoggedEvent[][]
  readonly #next: Next
  #ids = 0
  now = Date.UTC(2026, 5, 1)

  constructor(next: Next, partitions: number) {
    this.#next = next
    this.partitions = Array.from({ length: partitions }, () => [])
  }

  /** Appends some events to a partition: new ones, late ones, copies of earlier ones. */
  append(partition: number, count: number): void {
    const log = this.partitions[partition] ?? []
    for (let index = 0; index < count; index += 1) {
      this.now += 1 + (this.#next(3) === 0 ? this.#next(2 * HOUR_MS) : this.#next(60_000))
      const young = log.filter(({ appendedAt }) => this.now - appendedAt < COPY_WITHIN_MS)
      const original = this.#next(6) === 0 ? young[this.#next(Math.max(young.length, 1))] : undefined
      const first = log.find(({ identity }) => identity === original?.identity)
      const isCopy =
        original !== undefined && first !== undefined && this.now - first.appendedAt < COPY_WITHIN_MS
      log.push(
        isCopy
          ? { ...original, offset: log.length, appendedAt: this.now }
          : this.#fresh(partition, log.length),
      )
    }
  }

  /** Appends our own event of an item, as consuming and sweeping produce it. */
  appendOwn(partition: number, event: OwnUsage): void {
    const log = this.partitions[partition] ?? []
    const { id, source, workspace, occurredAt, meter, quantity, subject } = event
    this.now += 1
    log.push({
      offset: log.length,
      workspace,
      occurredAt,
      appendedAt: this.now,
      identity: `${workspace}/${id}`,
      dedupe: hasher({ workspace, source, id }),
      changes: [
        subject === null ? { kind: 'add', meter, units: quantity } : { kind: 'join', meter, subject },
      ],
      reservation: parseReservation(event),
      isVoid: false,
    })
  }

  /** Appends a product's own event that names a hold; one that was set aside settles it and counts nothing. */
  appendSettling(partition: number, wish: Pick<LoggedEvent, 'workspace' | 'reservation' | 'isVoid'>): void {
    const log = this.partitions[partition] ?? []
    this.#ids += 1
    this.now += 1
    const { workspace, isVoid } = wish
    const id = `e${this.#ids}`
    log.push({
      ...wish,
      offset: log.length,
      occurredAt: this.now,
      appendedAt: this.now,
      identity: `${workspace}/${id}`,
      dedupe: isVoid ? { member: '', subShard: 0 } : hasher({ workspace, source: 'sim', id }),
      changes: isVoid ? [] : [{ kind: 'add', meter: 'slots', units: 1 }],
    })
  }

  /** Whether an event is in the log. */
  has(partition: number, identity: string): boolean {
    return (this.partitions[partition] ?? []).some((event) => event.identity === identity)
  }

  /** Counters and members after the records of a partition up to an offset, from the log alone. */
  truth(partition: number, upto: number): CounterModel {
    const model = new CounterModel()
    const events: readonly ModelEvent[] = (this.partitions[partition] ?? [])
      .slice(0, upto + 1)
      .filter(({ isVoid }) => !isVoid)
    model.apply({ partition, known: -1, upto, events })
    return model
  }

  #fresh(partition: number, offset: number): LoggedEvent {
    this.#ids += 1
    const id = `e${this.#ids}`
    const workspace = workspaceOf(partition, this.#next(WORKSPACES))
    const occurredAt = this.now - (this.#next(3) === 0 ? this.#next(47 * HOUR_MS) : this.#next(1_000))
    return {
      offset,
      workspace,
      occurredAt,
      appendedAt: this.now,
      identity: `${workspace}/${id}`,
      dedupe: hasher({ workspace, source: 'sim', id }),
      changes: [this.#change(occurredAt)],
      reservation: null,
      isVoid: false,
    }
  }

  #change(occurredAt: number): CounterChange {
    const subject = `+${this.#next(4)}`
    switch (this.#next(9)) {
      case 0:
        return { kind: 'set', meter: 'leads', units: this.#next(50) }
      case 1:
        return { kind: 'split', meter: 'credits', day: dayOf(occurredAt), startsAt: occurredAt }
      case 2:
        return { kind: 'join', meter: 'numbers', subject }
      case 3:
        return { kind: 'leave', meter: 'numbers', subject }
      case 4:
        return { kind: 'members', meter: 'numbers', subjects: [subject, '+9'] }
      case 5:
      case 6:
        return {
          kind: 'flow',
          meter: 'credits',
          day: dayOf(occurredAt),
          units: 1 + this.#next(5),
          occurredAt,
        }
      default:
        return { kind: 'add', meter: 'leads', units: 1 + this.#next(5) }
    }
  }
}

/** A workspace of a partition: its records are in no other. */
export function workspaceOf(partition: number, index: number): string {
  return `p${partition}w${index}`
}

/** The partition of a workspace that `workspaceOf` named. */
export function partitionIn(workspace: string): number {
  return Number(/^p(\d+)/.exec(workspace)?.[1])
}
