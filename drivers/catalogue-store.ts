import type { Logger } from 'pino'
import type { Catalogue, StoredCatalogue } from '#core/catalogue/catalogue.ts'
import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import type { CatalogueStore } from '#core/ports.ts'
import type { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'

type Revisions = Pick<CatalogueLog, 'newest' | 'after'>

/** How often new revisions are read, ms: far below the notice that a new definition of a meter needs (`METER_NOTICE_MS`). */
const EVERY_MS = 5_000

/** The catalogue as MongoDB holds it, parsed once for each revision. */
export class MongoCatalogueStore implements CatalogueStore {
  readonly #log: Revisions
  #current: Catalogue
  #source: StoredCatalogue
  #underWay: Promise<Catalogue> | null = null
  #heardOf = 0

  private constructor(log: Revisions, stored: StoredCatalogue) {
    this.#log = log
    this.#source = stored
    this.#current = parseStored(stored)
  }

  /** Reads the newest revision; `invalid_config` when none was ever stored. */
  static async open(log: Revisions): Promise<MongoCatalogueStore> {
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

  /** The newest revision that was heard of, 0 for none. */
  heard(): number {
    return this.#heardOf
  }

  /** A revision that was heard of is in force nowhere any more, unless a newer one was heard of since. */
  takeBack({ heard, revision }: { readonly heard: number; readonly revision: number }): void {
    if (this.#heardOf === heard) this.#heardOf = revision
  }

  /**
   * The newest catalogue that anybody told of: what is measured by an older one counts otherwise when the log is read again.
   * Throws `unavailable` while that cannot be read.
   */
  async inForce(): Promise<Catalogue> {
    return this.load(this.#heardOf)
  }

  /**
   * One question at a time, however many ask for a revision that may not be there: a question that was under way may have
   * been asked before the revision was stored, the one after it was not.
   */
  async load(revision: number): Promise<Catalogue> {
    if (this.#current.revision >= revision) return this.#current
    const isOwn = this.#underWay === null
    const shared = await this.#share()
    return isOwn || shared.revision >= revision ? shared : this.#share()
  }

  async #share(): Promise<Catalogue> {
    this.#underWay ??= this.refresh().finally(() => {
      this.#underWay = null
    })
    return this.#underWay
  }

  /** Asks MongoDB for newer revisions. Throws `unavailable` when it does not answer, or with one that this build cannot read. */
  async refresh(): Promise<Catalogue> {
    const newest = await this.#newest()
    if (newest === null || newest.revision <= this.#current.revision) return this.#current
    this.#current = readable(newest)
    this.#source = newest
    return this.#current
  }

  /** Reads new revisions on a timer and says what is the newest each time; the answer ends that. */
  keepFresh(
    log: Pick<Logger, 'warn'>,
    seen: (catalogue: Catalogue) => Promise<unknown> = async () => undefined,
  ): () => Promise<void> {
    const timer = setInterval(() => {
      void this.#share()
        .then(seen)
        .catch((error: unknown) =>
          log.warn({ err: error }, 'the newest catalogue could not be read or named'),
        )
    }, EVERY_MS)
    return async () => clearInterval(timer)
  }

  async #newest(): Promise<StoredCatalogue | null> {
    const later = await this.#log.after(this.#current.revision).catch((error: unknown) => {
      const message = 'MongoDB did not answer for the catalogue; try again'
      throw new TallygateError('unavailable', message, {}, error)
    })
    return later.at(-1) ?? null
  }
}

/** What cannot be read is not to be answered by what came before: that is no fault of whoever asks. */
function readable(stored: StoredCatalogue): Catalogue {
  try {
    return parseStored(stored)
  } catch (error) {
    const message = `catalogue revision ${stored.revision} is not for this version; update this process`
    throw new TallygateError('unavailable', message, {}, error)
  }
}

/** The catalogue of a stored revision. Throws `invalid_catalogue` for one that this build cannot read. */
export function parseStored(stored: StoredCatalogue): Catalogue {
  const parsed = parseCatalogue(stored.source, stored.revision)
  if (parsed.ok) return parsed.catalogue
  const problems = parsed.problems.map(({ path, problem }) => `${path}: ${problem}`).join('; ')
  throw new TallygateError('invalid_catalogue', `catalogue revision ${stored.revision}: ${problems}`)
}
