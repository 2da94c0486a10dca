import type { Catalogue, StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import type { CatalogueStore } from '#core/ports.ts'
import type { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'

type NewestCatalogue = Pick<CatalogueLog, 'newest'>

/** The catalogue as MongoDB holds it, parsed once for each revision. */
export class MongoCatalogueStore implements CatalogueStore {
  readonly #log: NewestCatalogue
  #current: Catalogue
  #source: StoredCatalogue
  #underWay: Promise<Catalogue> | null = null
  #heardOf = 0

  private constructor(log: NewestCatalogue, stored: StoredCatalogue) {
    this.#log = log
    this.#source = stored
    this.#current = parseStored(stored)
  }

  /** Reads the newest revision; `invalid_config` when none was ever stored. */
  static async open(log: NewestCatalogue): Promise<MongoCatalogueStore> {
    const newest = await log.newest()
    if (newest === null) {
      throw new TallygateError('invalid_config', 'MongoDB holds no catalogue; load one with `make up` first')
    }
    return new MongoCatalogueStore(log, newest)
  }

  remembered(): Catalogue {
    return this.#current
  }

  /** The newest stored revision as it was given. */
  get source(): StoredCatalogue {
    return this.#source
  }

  /** A revision is in force, by what Redis says. */
  heardOf(revision: number): void {
    this.#heardOf = Math.max(this.#heardOf, revision)
  }

  /**
   * The newest catalogue that anybody told of: what is measured by an older one counts otherwise when the log is read again.
   * Throws `unavailable` while that cannot be read.
   */
  async inForce(): Promise<Catalogue> {
    return this.load(this.#heardOf)
  }

  async load(revision: number): Promise<Catalogue> {
    if (this.#current.revision >= revision) return this.#current
    const shared = await this.#share()
    return shared.revision >= revision ? shared : this.refresh()
  }

  /** Joins a question that is under way already: it may have been asked before the revision was stored. */
  async #share(): Promise<Catalogue> {
    this.#underWay ??= this.refresh().finally(() => {
      this.#underWay = null
    })
    return this.#underWay
  }

  /** Asks MongoDB for a newer revision. Throws `unavailable` when it does not answer. */
  async refresh(): Promise<Catalogue> {
    const newest = await this.#log.newest().catch((error: unknown) => {
      throw new TallygateError(
        'unavailable',
        'MongoDB did not answer for the catalogue; try again',
        {},
        error,
      )
    })
    if (newest !== null && newest.revision > this.#current.revision) {
      this.#current = parseStored(newest)
      this.#source = newest
    }
    return this.#current
  }
}

/** The catalogue of a stored revision. Throws `invalid_catalogue` for one that this build cannot read. */
export function parseStored(stored: StoredCatalogue): Catalogue {
  const parsed = parseCatalogue(stored.source, stored.revision)
  if (parsed.ok) return parsed.catalogue
  const problems = parsed.problems.map(({ path, problem }) => `${path}: ${problem}`).join('; ')
  throw new TallygateError('invalid_catalogue', `catalogue revision ${stored.revision}: ${problems}`)
}
