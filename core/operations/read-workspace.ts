import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Entitlement } from '../entitlement/entitlement.ts'
import type { WorkspaceFacts } from '../entitlement/facts.ts'
import { rememberedEntitlement } from '../entitlement/remembered-entitlement.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'
import type { CatalogueStore, CounterReading, CounterStore, FactStore } from '../ports.ts'
import { planReading, type Wanted } from '../usage/feature-reading.ts'
import type { ReadPlan } from '../usage/read-plan.ts'

/** What reading a workspace needs. */
export interface ReadDeps {
  readonly counters: CounterStore
  readonly facts: FactStore
  readonly catalogue: CatalogueStore
  /** A guess of Redis' clock; what is decided uses the time that Redis itself states. */
  readonly now: () => Instant
  readonly inTime: InTime
}

/** Settles as work does, or throws `unavailable` when the answer can wait no longer; the work then goes on. */
export type InTime = <Value>(work: Promise<Value>) => Promise<Value>

/** All features of a catalogue, whatever the resource. */
export function allFeatures({ features }: Catalogue): readonly WantedFeature[] {
  return Object.keys(features).map((feature) => ({ feature, subject: null }))
}

/** For whoever can wait as long as it takes. */
export const unhurried: InTime = (work) => work

/** A feature to read, with the resource asked about. */
export interface WantedFeature extends Omit<Wanted, 'entitlement'> {
  readonly feature: string
}

/** Facts, catalogue and counters that belong together, or why they could not be had. */
export type WorkspaceReading =
  | {
      readonly known: true
      readonly catalogue: Catalogue
      readonly facts: WorkspaceFacts
      readonly entitlements: readonly Entitlement[]
      readonly reading: CounterReading
    }
  | {
      readonly known: false
      readonly cause: 'unavailable' | 'rebuilding'
      readonly catalogue: Catalogue
      readonly facts: WorkspaceFacts | null
    }

/** Facts of a workspace that nobody has ever heard of. */
export const NO_FACTS: WorkspaceFacts = { revision: '', subscription: null, overrides: {}, crossings: {} }

/** A plan, a new catalogue and the turn of a window can each cost one more read; more means trouble. */
const READS_MAX = 6

/**
 * Reads one workspace: one round trip when what the process remembers is still in force.
 *
 * The reply names the revisions of facts and catalogue in force, and Redis' own time; where the guess was
 * behind, the missing part is loaded, so that a plan change or a new catalogue is seen by the very next check of every
 * instance (design.md, "Deciding"). Counters are read again where that part needs others, or is newer than they are: no
 * judgement rests on counters of before the facts. What was not read in time is read to its end all the same, and
 * remembered for the next one.
 */
export async function readWorkspace(deps: ReadDeps, input: ReadInput): Promise<WorkspaceReading> {
  try {
    return await deps.inTime(readCurrent(deps, input))
  } catch (error) {
    if (!(error instanceof TallygateError) || error.code !== 'unavailable') throw error
    return unavailable(deps, input)
  }
}

/** Reads counters that say something: those of a shard that is being rebuilt are no zeros (G6). Throws `unavailable`. */
export async function readCounted(
  { counters }: Pick<ReadDeps, 'counters'>,
  workspace: string,
  plan: ReadPlan,
): Promise<CounterReading> {
  const reading = await counters.read(workspace, plan)
  if (reading.state !== 'rebuilding') return reading
  const message = `${workspace}: its counters are being rebuilt; try again`
  throw new TallygateError('unavailable', message, { workspace, cause: 'rebuilding' })
}

interface ReadInput {
  readonly workspace: string
  /**
   * What is wanted under a catalogue: the one that is remembered, then the one that the reading names, which may have
   * other features. May throw `unknown_feature`.
   */
  readonly features: (catalogue: Catalogue) => readonly WantedFeature[]
}

async function readCurrent(deps: ReadDeps, { workspace, features }: ReadInput): Promise<WorkspaceReading> {
  let facts = deps.facts.remembered(workspace) ?? NO_FACTS
  let catalogue = deps.catalogue.remembered()
  let now = deps.now()
  for (let read = 0; read < READS_MAX; read += 1) {
    const wanted = resolveAll({ catalogue, facts, workspace, now, features })
    const reading = await deps.counters.read(workspace, planReading(catalogue, wanted))
    if (reading.state === 'rebuilding') return { known: false, cause: 'rebuilding', catalogue, facts }
    const inForce = await catchUp(deps, { workspace, reading, catalogue })
    const needed = resolveAll({ ...inForce, workspace, now: reading.now, features })
    const isOfThen = inForce.facts === facts || inForce.facts.revision === reading.factsRevision
    if (isOfThen && isSameReading({ catalogue, wanted }, { catalogue: inForce.catalogue, wanted: needed }))
      return { known: true, ...inForce, entitlements: needed.map(entitlementOf), reading }
    catalogue = inForce.catalogue
    facts = inForce.facts
    now = reading.now
  }
  return unavailable(deps, { workspace, features })
}

function unavailable({ catalogue, facts }: ReadDeps, { workspace }: ReadInput): WorkspaceReading {
  return {
    known: false,
    cause: 'unavailable',
    catalogue: catalogue.remembered(),
    facts: facts.remembered(workspace),
  }
}

interface ResolveInput {
  readonly catalogue: Catalogue
  readonly facts: WorkspaceFacts
  readonly workspace: string
  readonly now: Instant
  readonly features: ReadInput['features']
}

function resolveAll({ features, ...situation }: ResolveInput): readonly Wanted[] {
  return features(situation.catalogue).map(({ feature, ...resource }) => ({
    entitlement: rememberedEntitlement({ ...situation, featureKey: feature }),
    ...resource,
  }))
}

interface Situation {
  readonly workspace: string
  readonly reading: CounterReading
  readonly catalogue: Catalogue
}

/** The catalogue and facts that the reading names; the same objects when they were right already. */
async function catchUp(
  deps: ReadDeps,
  { workspace, reading, catalogue }: Situation,
): Promise<{ catalogue: Catalogue; facts: WorkspaceFacts }> {
  const { catalogueRevision, factsRevision } = reading
  return {
    catalogue:
      catalogueRevision > catalogue.revision ? await deps.catalogue.load(catalogueRevision) : catalogue,
    facts: deps.facts.current(workspace, factsRevision) ?? (await deps.facts.load(workspace, factsRevision)),
  }
}

interface Planned {
  readonly catalogue: Catalogue
  readonly wanted: readonly Wanted[]
}

/** Whether what was read for one serves the other: mostly it is the same, else the same counters will do. */
function isSameReading(read: Planned, needed: Planned): boolean {
  const isSame =
    read.catalogue === needed.catalogue &&
    read.wanted.every(({ entitlement }, at) => entitlement === needed.wanted[at]?.entitlement)
  return isSame || planKey(read) === planKey(needed)
}

function planKey({ catalogue, wanted }: Planned): string {
  return JSON.stringify([planReading(catalogue, wanted), wanted.map(({ entitlement }) => entitlement.window)])
}

function entitlementOf({ entitlement }: Wanted): Entitlement {
  return entitlement
}
