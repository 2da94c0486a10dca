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

  /** Takes a token; false when there is none. */
  take(name: string): boolean {
    const now = this.#now()
    const bucket = this.#buckets.get(name) ?? this.#fullOne(name, now)
    const { perSecond, burst } = this.#rate
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.filledAt) * perSecond) / 1_000)
    bucket.filledAt = now
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  #fullOne(name: string, filledAt: number): Bucket {
    if (this.#buckets.size >= BUCKETS_MAX) this.#buckets.clear()
    const bucket = { tokens: this.#rate.burst, filledAt }
    this.#buckets.set(name, bucket)
    return bucket
  }
}
