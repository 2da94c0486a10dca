import { type Day, dayOf } from '#core/instant.ts'
import { dayField, lastLevelField, levelField, splitField } from '#core/usage/counter-fields.ts'
import type { CounterChange } from '#core/usage/usage-event.ts'
import type { SliceEvent } from './apply.ts'
import type { ShardKeys } from './keys.ts'

/**
 * What some changes have in common: what is done, to which fields, in which member set (0 = none), whether stated, and
 * beside which open holds (0 = holds do not matter).
 */
type Kind = readonly [
  operation: string,
  field: string,
  beside: string,
  set: number,
  isStated: boolean,
  holds: number,
]

/** Where the changes of an event are written. */
interface Written {
  readonly keys: ShardKeys
  readonly stream: unknown[]
}

/**
 * The kinds of the changes in a slice: most of them do the same to the same meter on the same day, so each names its
 * kind by number and says beside it no more than how much.
 */
export class ChangeKinds {
  readonly #placeOf: (key: string) => number
  readonly #kinds: Kind[] = []
  readonly #numbers = new Map<string, number>()
  #latest: { readonly change: CounterChange; readonly today: Day; readonly number: number } | null = null

  /** `placeOf` is the place of a key, to be told by what stands before it in `list`. */
  constructor(placeOf: (key: string) => number) {
    this.#placeOf = placeOf
  }

  /** Writes the changes of an event: number of the kind, value and time of each. */
  write({ workspace, appendedAt, recordedAt, changes }: SliceEvent, { keys, stream }: Written): void {
    const today = dayOf(recordedAt ?? appendedAt)
    for (const change of changes) {
      const number = this.#repeated(change, today) ?? this.#numberOf(change, { workspace, today, keys })
      stream.push(number, amountOf(change), change.kind === 'flow' ? change.occurredAt : 0)
    }
  }

  /** The kinds in the order of their numbers, from 1, in the words of `lua/counter-changes.lua`. */
  list(before: number): readonly Kind[] {
    return this.#kinds.map(([operation, field, beside, set, isStated, holds]) => {
      return set === 0
        ? [operation, field, beside, 0, isStated, 0]
        : [operation, field, beside, set + before, isStated, holds + before]
    })
  }

  /** The number of the kind that was told last, if this is another of it. */
  #repeated(change: CounterChange, today: Day): number | null {
    const latest = this.#latest
    if (latest === null || change.kind !== latest.change.kind || change.meter !== latest.change.meter)
      return null
    if (change.kind === 'add') return today === latest.today ? latest.number : null
    const isSameFlow =
      change.kind === 'flow' && latest.change.kind === 'flow' && change.day === latest.change.day
    return isSameFlow ? latest.number : null
  }

  #numberOf(change: CounterChange, where: { workspace: string; today: Day; keys: ShardKeys }): number {
    const kind = this.#kindOf(change, where)
    const name = kind.join(' ')
    const number = this.#numbers.get(name) ?? this.#kinds.push(kind)
    this.#numbers.set(name, number)
    this.#latest = { change, today: where.today, number }
    return number
  }

  #kindOf(
    change: CounterChange,
    { workspace, today, keys }: { workspace: string; today: Day; keys: ShardKeys },
  ): Kind {
    const { kind, meter } = change
    if (kind === 'flow' || kind === 'split') {
      return [kind, dayField(meter, change.day), splitField(meter, change.day), 0, false, 0]
    }
    const hasSet = kind === 'join' || kind === 'leave' || kind === 'members'
    const isStated = (kind === 'set' || kind === 'members') && change.isStated === true
    const [level, last] = [levelField(meter), lastLevelField(meter, today)]
    if (!hasSet) return [kind, level, last, 0, isStated, 0]
    const set = this.#placeOf(keys.members(workspace, meter))
    return [kind, level, last, set, isStated, this.#placeOf(keys.holds(workspace))]
  }
}

/** How much, or which resources. */
function amountOf(change: CounterChange): number | string | readonly string[] {
  switch (change.kind) {
    case 'add':
    case 'set':
    case 'flow':
      return change.units
    case 'split':
      return change.startsAt
    case 'join':
    case 'leave':
      return change.subject
    case 'members':
      return change.subjects
  }
}
