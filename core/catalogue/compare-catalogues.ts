import type { Instant } from '../instant.ts'
import { isEqual } from '../is-equal.ts'
import { ownValue } from '../own-value.ts'
import type { Catalogue } from './catalogue.ts'
import type { Problem } from './source-reader.ts'

const parts = ['plans', 'features', 'meters', 'addOns'] as const
type Part = (typeof parts)[number]

/** What differs between two revisions, by kind of thing and key. */
export type CatalogueChanges = Readonly<
  Record<
    Part,
    {
      readonly added: readonly string[]
      readonly changed: readonly string[]
      readonly removed: readonly string[]
    }
  >
>

/** Plans, add-ons and features that stored facts name. */
export interface CatalogueUse {
  readonly plans: ReadonlySet<string>
  readonly addOns: ReadonlySet<string>
  readonly features: ReadonlySet<string>
}

/**
 * How long before it counts a definition of a meter must be known: every consumer reads new revisions within this
 * time, so all of them count an event alike.
 */
export const METER_NOTICE_MS = 60_000

/** What a revision adds, changes and removes. */
export function compareCatalogues(before: Catalogue, after: Catalogue): CatalogueChanges {
  const compare = (part: Part): CatalogueChanges[Part] => {
    const [old, next]: readonly Readonly<Record<string, unknown>>[] = [before[part], after[part]]
    const names = (of: Readonly<Record<string, unknown>> | undefined): string[] => Object.keys(of ?? {})
    return {
      added: names(next).filter((name) => ownValue(old ?? {}, name) === undefined),
      removed: names(old).filter((name) => ownValue(next ?? {}, name) === undefined),
      changed: names(old).filter((name) => {
        const now = ownValue(next ?? {}, name)
        return now !== undefined && !isEqual(ownValue(old ?? {}, name), now)
      }),
    }
  }
  return {
    plans: compare('plans'),
    features: compare('features'),
    meters: compare('meters'),
    addOns: compare('addOns'),
  }
}

/**
 * Why a revision may not follow another: a meter's past is edited, or a new definition begins before all consumers
 * know it. The log must count the same whenever it is read.
 */
export function meterProblems(before: Catalogue, after: Catalogue, now: Instant): readonly Problem[] {
  const problems: Problem[] = []
  for (const [meter, definitions] of Object.entries(before.meters)) {
    const next = ownValue(after.meters, meter) ?? []
    for (const [index, definition] of definitions.entries()) {
      if (isEqual(definition, next[index])) continue
      const problem = 'definitions are never edited or taken away; add one with a later `from`'
      problems.push({ path: `meters.${meter}.${index}`, problem })
    }
  }
  for (const [meter, definitions] of Object.entries(after.meters)) {
    const known = ownValue(before.meters, meter)?.length ?? 0
    for (const [index, { from }] of definitions.entries()) {
      if (index < known || from >= now + METER_NOTICE_MS) continue
      const problem = `a new definition must begin at least ${METER_NOTICE_MS / 1_000} s from now, so that every consumer knows it in time`
      problems.push({ path: `meters.${meter}.${index}.from`, problem })
    }
  }
  return problems
}

/** Why a revision may not follow: something that is in use would be gone. */
export function useProblems(changes: CatalogueChanges, use: CatalogueUse): readonly Problem[] {
  return (['plans', 'addOns', 'features'] as const).flatMap((part) =>
    changes[part].removed
      .filter((name) => use[part].has(name))
      .map((name) => ({
        path: `${part}.${name}`,
        problem: 'is in use and may not be taken away; keep it here and stop selling it instead',
      })),
  )
}
