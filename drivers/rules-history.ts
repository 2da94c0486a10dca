import { parseCatalogue } from '#core/catalogue/parse-catalogue.ts'
import { TallygateError } from '#core/errors.ts'
import type { Instant } from '#core/instant.ts'
import { foldVersions } from '#core/subscription/fold.ts'
import { type DatedRules, type RulesAt, rulesInForce, rulesOf } from '#core/subscription/rules-in-force.ts'
import type { AcceptedSubscription, SubscriptionEvent } from '#core/subscription/subscription.ts'
import type { CatalogueLog } from '#drivers/mongo/catalogue-log.ts'

interface RulesHistoryOptions {
  readonly log: Pick<CatalogueLog, 'after'>
  /** Knows the newest revision that this process has heard of. */
  readonly catalogues: { readonly remembered: () => { readonly revision: number } }
  readonly now: () => Instant
}

/** A question that was joined may have been asked before the newest revision was stored; the next was not. */
const ROUNDS_MAX = 2

/** A question for revisions that is under way, and when it was asked. */
interface Reading {
  readonly askedAt: Instant
  readonly done: Promise<void>
}

/**
 * The rules of every revision of the catalogue, read as far as the versions that are judged by them.
 *
 * A version is judged by what was stored by the time it happened, so revisions are asked for again only where it
 * happened after the last time they were, or where a newer one was heard of.
 */
export class RulesHistory {
  readonly #options: RulesHistoryOptions
  readonly #dated: DatedRules[] = []
  #revision = 0
  #askedAt: Instant = 0
  #rulesAt: RulesAt | null = null
  #underWay: Reading | null = null

  constructor(options: RulesHistoryOptions) {
    this.#options = options
  }

  /** The rules that judge these versions. Throws `unavailable` when they cannot be had. */
  async judging(versions: readonly Pick<SubscriptionEvent, 'occurredAt'>[]): Promise<RulesAt> {
    const through = Math.min(
      versions.reduce((latest, { occurredAt }) => Math.max(latest, occurredAt), 0),
      this.#options.now() - 1,
    )
    for (let round = 0; round < ROUNDS_MAX && this.#isBehind(through); round += 1) await this.#readOn(through)
    if (this.#rulesAt === null) throw new TallygateError('unavailable', 'no catalogue is stored')
    return this.#rulesAt
  }

  /** What the versions come to. Throws `unavailable` when the rules cannot be had. */
  async fold(versions: readonly SubscriptionEvent[]): Promise<AcceptedSubscription | null> {
    return foldVersions(versions, await this.judging(versions)).state.subscription
  }

  #isBehind(through: Instant): boolean {
    return this.#askedAt <= through || this.#revision < this.#options.catalogues.remembered().revision
  }

  /** Joins a question that was asked late enough. */
  async #readOn(through: Instant): Promise<void> {
    const { now } = this.#options
    if (this.#underWay === null || this.#underWay.askedAt <= through) {
      const askedAt = now()
      this.#underWay = { askedAt, done: this.#read(askedAt) }
    }
    const mine = this.#underWay
    await mine.done.finally(() => {
      if (this.#underWay === mine) this.#underWay = null
    })
  }

  async #read(askedAt: Instant): Promise<void> {
    const found = await this.#options.log.after(this.#revision).catch((error: unknown) => {
      const message = 'MongoDB did not answer for the catalogue; try again'
      throw new TallygateError('unavailable', message, {}, error)
    })
    for (const { revision, storedAt, source } of found) {
      if (revision <= this.#revision) continue
      this.#revision = revision
      const parsed = parseCatalogue(source, revision)
      if (parsed.ok) this.#dated.push({ since: storedAt, rules: rulesOf(parsed.catalogue) })
    }
    if (this.#dated.length > 0) this.#rulesAt = rulesInForce(this.#dated)
    this.#askedAt = Math.max(this.#askedAt, askedAt)
  }
}
