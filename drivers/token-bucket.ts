/** How fast and how suddenly a caller may ask. */
export interface BucketRate {
  /** Steady rate, tokens a second. */
  readonly perSecond: number
  /** Tokens that a caller who was silent has. */
  readonly burst: number
}

interface Bucket {
  tokens: number
  filledAt: number
}

/** Buckets kept at once; beyond that all are forgotten, which gives everybody a full one. */
const BUCKETS_MAX = 10_000

/** A token bucket for each name: taking one costs a look-up and no allocation once the name is known. */
export class TokenBuckets {
  readonly #rate: BucketRate
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** `now`: a clock that never goes back, ms. */
  constructor(rate: BucketRate, now: () => number) {
    this.#rate = rate
    this.#now = now
  }

  /** Takes a token; false when there is none, or the bucket is in debt. */
  take(name: string): boolean {
    const bucket = this.#filled(name)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /**
   * Takes what something turned out to cost beyond the token that was taken for it, also where so many are not there: what
   * comes later pays the debt. False, and nothing taken, where there is a debt already, so that it is never more than one of these.
   */
  charge(name: string, tokens: number): boolean {
    const bucket = this.#filled(name)
    if (bucket.tokens < 0) return false
    bucket.tokens -= tokens
    return true
  }

  #filled(name: string): Bucket {
    const now = this.#now()
    const bucket = this.#buckets.get(name) ?? this.#fullOne(name, now)
    const { perSecond, burst } = this.#rate
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) * perSecond) / 1_000)
    bucket.filledAt = now
    return bucket
  }

  #fullOne(name: string, filledAt: number): Bucket {
    if (this.#buckets.size >= BUCKETS_MAX) this.#buckets.clear()
    const bucket = { tokens: this.#rate.burst, filledAt }
    this.#buckets.set(name, bucket)
    return bucket
  }
}
