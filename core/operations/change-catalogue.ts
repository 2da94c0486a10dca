import type { Actor } from '../audit/audit-entry.ts'
import type { Catalogue, StoredCatalogue } from '../catalogue/catalogue.ts'
import {
  type CatalogueChanges,
  type CatalogueUse,
  compareCatalogues,
  type FieldsOf,
  meterProblems,
  recordProblems,
  unusedProblems,
  useProblems,
} from '../catalogue/compare-catalogues.ts'
import { parseCatalogue } from '../catalogue/parse-catalogue.ts'
import type { Problem } from '../catalogue/source-reader.ts'
import { TallygateError } from '../errors.ts'
import type { Instant } from '../instant.ts'

/** What judging a revision needs. */
export interface ProposalDeps {
  /** The newest revision there is. */
  readonly newest: () => Promise<StoredCatalogue | null>
  /** What stored facts name; asked only where something is to be taken away. */
  readonly inUse: () => Promise<CatalogueUse>
  readonly now: () => Instant
  /** What the records of usage hold. */
  readonly fieldsOf: FieldsOf
}

/** What storing a revision needs. */
export interface CatalogueDeps extends ProposalDeps {
  /** Stores a revision; false when another took its number. */
  readonly append: (stored: StoredCatalogue) => Promise<boolean>
}

/** A catalogue that shall follow the revision its author saw. */
export interface CatalogueWish {
  readonly source: unknown
  readonly after: number
  readonly by: Actor
  readonly isDryRun: boolean
}

/** A revision that follows, and what it changes. */
export interface NextCatalogue {
  readonly revision: number
  readonly changes: CatalogueChanges
}

/**
 * Stores the next revision of the catalogue, validated whole; a dry run stores nothing.
 *
 * Throws `revision_conflict` when the newest revision is not the one that was seen, and `invalid_catalogue` with
 * every problem and its path, `unavailable` and `unknown`.
 */
export async function changeCatalogue(deps: CatalogueDeps, wish: CatalogueWish): Promise<NextCatalogue> {
  const newest = await orUnavailable(deps.newest())
  if (newest === null || newest.revision !== wish.after) throw conflict(newest?.revision ?? 0, wish.after)
  const { catalogue, changes } = await following(deps, newest, wish.source)
  const { revision } = catalogue
  if (wish.isDryRun) return { revision, changes }
  const stored = await append(deps, {
    revision,
    storedAt: deps.now(),
    storedBy: wish.by,
    source: wish.source,
  })
  if (!stored) throw conflict(revision, wish.after)
  return { revision, changes }
}

/**
 * The catalogue that would follow the newest revision, if it may; nothing is stored.
 *
 * Throws `invalid_catalogue` with every problem and its path, and `unavailable`.
 */
export async function proposeCatalogue(deps: ProposalDeps, source: unknown): Promise<Catalogue> {
  const newest = await orUnavailable(deps.newest())
  if (newest === null) throw new TallygateError('unavailable', 'there is no catalogue yet; try again')
  return (await following(deps, newest, source)).catalogue
}

async function following(
  deps: ProposalDeps,
  newest: StoredCatalogue,
  source: unknown,
): Promise<{ readonly catalogue: Catalogue; readonly changes: CatalogueChanges }> {
  const catalogue = parsed(source, newest.revision + 1)
  const before = parsed(newest.source, newest.revision)
  const changes = compareCatalogues(before, catalogue)
  const { plans, addOns, features } = changes
  const isLess = [plans, addOns, features].some(({ removed }) => removed.length > 0)
  refuse([
    ...meterProblems(before, catalogue, deps.now()),
    ...recordProblems(before, catalogue, deps.fieldsOf),
    ...unusedProblems(before, catalogue),
    ...(isLess ? useProblems(changes, await orUnavailable(deps.inUse())) : []),
  ])
  return { catalogue, changes }
}

async function append(deps: CatalogueDeps, stored: StoredCatalogue): Promise<boolean> {
  return deps.append(stored).catch((error: unknown) => {
    const message = 'MongoDB did not say whether it has the revision; read the catalogue to see'
    throw new TallygateError('unknown', message, {}, error)
  })
}

async function orUnavailable<Value>(reading: Promise<Value>): Promise<Value> {
  return reading.catch((error: unknown) => {
    throw new TallygateError('unavailable', 'MongoDB did not answer; try again', {}, error)
  })
}

function parsed(source: unknown, revision: number): Catalogue {
  const outcome = parseCatalogue(source, revision)
  if (outcome.ok) return outcome.catalogue
  throw invalid(outcome.problems)
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalid(problems)
}

function invalid(problems: readonly Problem[]): TallygateError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  const message = `${count}, nothing was stored: ${problems.map(({ path, problem }) => `${path}: ${problem}`).join('; ')}`
  return new TallygateError('invalid_catalogue', message, { problems })
}

function conflict(revision: number, after: number): TallygateError {
  const message = `revision ${revision} is in force, not ${after}; read it, bring your change up to date and send it with if-match "${revision}"`
  return new TallygateError('revision_conflict', message, { revision })
}
