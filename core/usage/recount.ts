import { ARCHIVE_FIELD, parseDayField } from './counter-fields.ts'
import { CounterModel, type ModelEvent, type RestoredCounters } from './counter-model.ts'
import { LateCopies, membersCounter } from './late-copies.ts'
import { type DayFigures, mergeFigures } from './past-days.ts'

/** Counters of one workspace with how far they reach in the log of its partition. */
export interface ReachedCounters extends RestoredCounters {
  /** Last offset that they cover. */
  readonly reached: number
  /** Figures of days that are kept elsewhere. */
  readonly past: DayFigures
  /** Last of those days; '' without any. */
  readonly pastThrough: string
}

/** A counter that is not what the log says. */
export interface Difference {
  readonly workspace: string
  /** Field of the counters, or `members <meter>`. */
  readonly counter: string
  readonly counted: string
  readonly recounted: string
  /** A copy named it that came longer after the one before than ids are remembered: that one may have counted again. */
  readonly mayBeCopies?: true
}

interface RecountOptions {
  /** Counters under test; null for a workspace that has none. */
  readonly counted: (workspace: string) => ReachedCounters | null
  /** Counters of a snapshot to start from, where the log is shorter. */
  readonly start: (workspace: string) => ReachedCounters | null
  /** What is covered of a partition in the shard of a workspace without counters. */
  readonly reached: (workspace: string, partition: number) => number
  readonly distinctMeters: readonly string[]
}

/**
 * Counts anew from the log, workspace by workspace, exactly as far as the counters under test reach.
 *
 * Takes each partition's events in offset order. Copies count once however far they are apart; whether the counters under
 * test took one that came too late for an event of its own hangs on when ids were forgotten, so that it is only noted.
 */
export class Recount {
  readonly #options: RecountOptions
  readonly #models = new Map<string, CounterModel>()
  readonly #late = new LateCopies()

  constructor(options: RecountOptions) {
    this.#options = options
  }

  /** Takes the next event of a partition. */
  add(partition: number, event: ModelEvent): void {
    const { counted, start, reached } = this.#options
    const { workspace, offset, identity } = event
    const end = counted(workspace)?.reached ?? reached(workspace, partition)
    if (offset > end) return
    this.#late.note(event)
    const model = this.model(workspace)
    if (offset <= (start(workspace)?.reached ?? -1)) model.know(identity)
    else model.apply({ partition, known: -1, upto: offset, events: [event] })
  }

  /** Counters that are not what was counted anew; of the named workspaces and of all that the log named. */
  differences(workspaces: Iterable<string>): readonly Difference[] {
    return [...new Set([...workspaces, ...this.#models.keys()])].flatMap((name) => this.#differencesOf(name))
  }

  /** Copies that came longer after the one before than ids are remembered, by workspace: each may have counted again. */
  get lateCopies(): ReadonlyMap<string, number> {
    return this.#late.counts
  }

  /** The recounted counters of a workspace, begun from its snapshot if there is one. */
  model(workspace: string): CounterModel {
    const known = this.#models.get(workspace)
    if (known !== undefined) return known
    const model = new CounterModel()
    const start = this.#options.start(workspace)
    if (start !== null) model.restore(workspace, { members: start.members, fields: wholeFields(start) })
    this.#models.set(workspace, model)
    return model
  }

  #differencesOf(workspace: string): readonly Difference[] {
    const model = this.model(workspace)
    const counted = this.#options.counted(workspace)
    const seen = counted === null ? {} : wholeFields(counted)
    const wanted = withoutSplits(model.fields(workspace), counted?.pastThrough ?? '')
    const names = [...new Set([...Object.keys(seen), ...Object.keys(wanted)])].sort()
    const fields = names.flatMap((name) =>
      compare({ workspace, counter: name, counted: seen[name] ?? '0', recounted: wanted[name] ?? '0' }),
    )
    const members = this.#options.distinctMeters.flatMap((meter) => {
      const own = (counted?.members[meter] ?? []).toSorted()
      const recounted = model.members(workspace, meter)
      return compare({
        workspace,
        counter: membersCounter(meter),
        counted: own.join(' '),
        recounted: recounted.join(' '),
      })
    })
    return [...fields, ...members].map((difference) =>
      this.#late.mayHaveChanged(difference) ? { ...difference, mayBeCopies: true } : difference,
    )
  }
}

function compare(difference: Difference): readonly Difference[] {
  return difference.counted === difference.recounted ? [] : [difference]
}

/** Fields with past days put back; the name of their page is not a figure, splits of such days are not kept. */
function wholeFields({ fields, past, pastThrough }: ReachedCounters): Readonly<Record<string, string>> {
  const { [ARCHIVE_FIELD]: _, ...counted } = fields
  const whole: Record<string, string> = { ...withoutSplits(counted, pastThrough) }
  for (const [name, value] of Object.entries(past)) {
    const beside: DayFigures = counted[name] === undefined ? {} : { [name]: Number(counted[name]) }
    whole[name] = String(mergeFigures({ [name]: value }, beside)[name])
  }
  return whole
}

function withoutSplits(
  fields: Readonly<Record<string, string>>,
  through: string,
): Readonly<Record<string, string>> {
  const kept = Object.entries(fields).filter(([name]) => {
    const field = parseDayField(name)
    return field?.kind !== 'split' || field.day > through
  })
  return Object.fromEntries(kept)
}
