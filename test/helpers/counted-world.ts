import type { Catalogue } from '#core/catalogue/catalogue.ts'
import type { WorkspaceFacts } from '#core/entitlement/facts.ts'
import type { Instant } from '#core/instant.ts'
import type { CheckDeps } from '#core/operations/check.ts'
import { NO_FACTS, type ReadDeps, unhurried } from '#core/operations/read-workspace.ts'
import type { CounterReading } from '#core/ports.ts'
import { memberKey } from '#core/usage/feature-reading.ts'
import type { ReadPlan } from '#core/usage/read-plan.ts'

/** One workspace as Redis and MongoDB would have it. */
export interface CountedWorld {
  readonly now: Instant
  /** The catalogue that this process knows. */
  readonly catalogue: Catalogue
  /** A newer one that is in force; absent = the same. */
  readonly newest?: Catalogue
  readonly facts: WorkspaceFacts
  /** Fields of the usage hash; without any, and without facts, nobody has named the workspace. */
  readonly fields?: Readonly<Record<string, string>>
  /** Members of each distinct meter. */
  readonly members?: Readonly<Record<string, readonly string[]>>
}

/** What reading such a workspace needs. */
export function depsOf(world: CountedWorld): ReadDeps {
  const { catalogue, newest = catalogue, facts, now } = world
  const known = { catalogue }
  return {
    counters: { read: async (_, plan) => readingOf(world, plan) },
    facts: {
      current: () => facts,
      load: async () => facts,
      refresh: async () => facts,
      remembered: () => facts,
    },
    catalogue: {
      remembered: () => known.catalogue,
      load: async () => {
        known.catalogue = newest
        return newest
      },
    },
    now: () => now,
    inTime: unhurried,
  }
}

/** A check of workspaces of which some leads were counted, and of others that nobody has named; billing knows none of them. */
export function checkOfSeen(
  seen: readonly string[],
  world: Pick<CountedWorld, 'now' | 'catalogue'>,
): CheckDeps {
  const unnamed = depsOf({ ...world, facts: NO_FACTS })
  const counted = depsOf({ ...world, facts: NO_FACTS, fields: { leads: '1' } })
  return {
    ...unnamed,
    counters: {
      read: (workspace, plan) =>
        (seen.includes(workspace) ? counted : unnamed).counters.read(workspace, plan),
    },
    lastKnown: { get: () => null, set: () => undefined },
  }
}

function readingOf(world: CountedWorld, plan: ReadPlan): CounterReading {
  const { now, catalogue, newest = catalogue, facts, fields = {}, members = {} } = world
  const asked = plan.sets.flatMap(({ meter, subject }) => (subject === null ? [] : [{ meter, subject }]))
  return {
    state: 'ready',
    factsRevision: facts.revision,
    catalogueRevision: newest.revision,
    asOf: now,
    lagMs: 0,
    exact: true,
    now,
    isKnown: Object.keys(fields).length > 0,
    fields: Object.fromEntries(plan.fields.map((field) => [field, fields[field] ?? null])),
    sizes: Object.fromEntries(plan.sets.map(({ meter }) => [meter, members[meter]?.length ?? 0])),
    membership: Object.fromEntries(
      asked.map(({ meter, subject }) => [
        memberKey(meter, subject),
        members[meter]?.includes(subject) ?? false,
      ]),
    ),
    heldSubjects: {},
  }
}
