import type { Instant } from '../instant.ts'
import { isEqual } from '../is-equal.ts'
import { ownValue } from '../own-value.ts'
import type { Catalogue } from './catalogue.ts'
import { UNUSED, unusedMeters } from './check-references.ts'
import type { MeterDefinition } from './meter.ts'
import type { Problem } from './source-reader.ts'

const parts = ['plans', 'features', 'meters', 'addOns', 'settings'] as const
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
  const lists = ({ plans, features, meters, addOns }: Catalogue) => ({ plans, features, meters, addOns })
  const [olds, nexts] = [before, after].map((one) => ({ ...lists(one), settings: settingsOf(one) }))
  const compare = (part: Part): CatalogueChanges[Part] => {
    const [old, next]: readonly (Readonly<Record<string, unknown>> | undefined)[] = [
      olds?.[part],
      nexts?.[part],
    ]
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
    settings: compare('settings'),
  }
}

/** What a catalogue says beside its lists of things, one by one: a term by its months, a way to pay by its place. */
function settingsOf({ terms, payments, trial, processingWindowMinutes }: Catalogue): Record<string, unknown> {
  return {
    processingWindowMinutes,
    ...Object.fromEntries(Object.entries(trial).map(([name, value]) => [`trial.${name}`, value])),
    ...Object.fromEntries(terms.map((term) => [`terms.${term.months}`, term])),
    ...Object.fromEntries(payments.map((rule, index) => [`payments.${index + 1}`, rule])),
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
      const problem =
        next.length === 0
          ? 'definitions are never taken away: what was sent counts on; keep the meter, its feature may go'
          : 'definitions are never edited or taken away; add one with a later `from`'
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

/** Meters that are new and that no feature uses; one that was there before stays when its feature goes. */
export function unusedProblems(before: Catalogue, after: Catalogue): readonly Problem[] {
  return unusedMeters(after)
    .filter((meter) => ownValue(before.meters, meter) === undefined)
    .map((meter) => ({ path: `meters.${meter}`, problem: UNUSED }))
}

/** The fields of a record of usage, null where there is no such record. */
export type FieldsOf = (record: string) => readonly string[] | null

/** What new definitions of meters name that no record has: they would count nothing, and nobody would be told. */
export function recordProblems(before: Catalogue, after: Catalogue, fieldsOf: FieldsOf): readonly Problem[] {
  return Object.entries(after.meters).flatMap(([meter, definitions]) => {
    const known = ownValue(before.meters, meter)?.length ?? 0
    return definitions.flatMap((definition, index) =>
      index < known ? [] : faultsOfDefinition(definition, { path: `meters.${meter}.${index}`, fieldsOf }),
    )
  })
}

function faultsOfDefinition(
  { record, field, quantity, subject, when }: MeterDefinition,
  { path, fieldsOf }: { readonly path: string; readonly fieldsOf: FieldsOf },
): readonly Problem[] {
  const fields = fieldsOf(record)
  if (fields === null) return [{ path: `${path}.record`, problem: `there is no record "${record}" of usage` }]
  const named = {
    field,
    quantity,
    subject,
    ...Object.fromEntries(Object.keys(when ?? {}).map((key) => [`when.${key}`, key])),
  }
  return Object.entries(named)
    .filter(([, name]) => name !== undefined && !fields.includes(name))
    .map(([property, name]) => ({
      path: `${path}.${property}`,
      problem: `${record} has no field "${name}"; it has ${fields.join(', ')}`,
    }))
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
