import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Collection, Db } from 'mongodb'
import { type ApiKey, type Scope, scopes } from '#core/api-key.ts'
import type { Actor } from '#core/audit/audit-entry.ts'
import { TallygateError } from '#core/errors.ts'
import { inTime } from '#drivers/in-time.ts'
import { type BucketRate, TokenBuckets } from '#drivers/token-bucket.ts'
import { isDuplicateKey, padNumber } from './append-log.ts'
import { AuditLog } from './audit-log.ts'
import { RememberedKeys } from './remembered-keys.ts'

/** How long a key is believed without being read again: a revocation is effective by then. */
const BELIEVED_MS = 4_000
/** From this age on a key may have been revoked for as long as we promise at most. */
const OLD_MS = 5_000
/** How long such a key is waited for, ms: a MongoDB that takes longer is away, and what is known stands (consistency.md). */
const OLD_PATIENCE_MS = 500
/** Tokens remembered at once. */
const REMEMBERED_MAX = 10_000
/** Ids that are not known here and may be looked up: more, and somebody is guessing. */
const UNKNOWN_IDS: BucketRate = { perSecond: 500, burst: 2_000 }

const KEY = /^tg_live_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})$/
const ID_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

interface KeyDocument extends Omit<ApiKey, 'id'> {
  readonly _id: string
  readonly hmac: string
}

interface RevocationDocument {
  /** `<key>/<instant>`: the earliest of a key counts. */
  readonly _id: string
  readonly at: number
  /** It ended when it was stored: its instant is by the clock of whoever stored it, which may be ahead of ours. */
  readonly isAtOnce?: boolean
}

/** A key as it is listed; null = never ended. */
export interface ListedKey extends ApiKey {
  readonly revokedAt: number | null
}

interface RememberedKey {
  readonly document: KeyDocument | null
  readonly revokedAt: number | null
  /** When it was asked for: what was revoked after that may not be in the answer, however long that took. */
  readonly readAt: number
}

/** A bearer token that was found right, by what was read of its key. */
interface ProvenToken {
  readonly of: RememberedKey
  readonly key: ApiKey
}

/** Before every instant of a clock. */
const ENDED = 0
const NO_KEY: RememberedKey = { document: null, revokedAt: null, readAt: 0 }

/** Who changes a key, and when. */
interface Change {
  readonly at: number
  readonly by: Actor
}

/** A key that took another one's place. */
export interface RotatedKey {
  readonly key: string
  /** When it ends, ms; null for never. */
  readonly expiresAt: number | null
  /** When the one before it ends: never later than it would have ended by itself. */
  readonly replacedUntil: number
}

/** What a new key may do. */
export interface KeyWish {
  readonly scopes: readonly Scope[]
  readonly workspaces: ApiKey['workspaces']
  readonly label: string
  readonly expiresAt: number | null
}

/** How MongoDB is asked for keys while callers wait. */
interface Patience {
  /** Makes a call, or refuses to. */
  readonly guard: <Value>(work: () => Promise<Value>) => Promise<Value>
  /** How long a key that is known already is read again before what is known stands, ms. */
  readonly withinMs: number
  /** Told of each request that was turned away because too many unknown ids are tried. */
  readonly onGuessing?: () => void
}

const PATIENT: Patience = { guard: (work) => work(), withinMs: 10_000 }

/**
 * API keys: `tg_live_<8 id>_<43 secret>`, stored only as HMAC-SHA-256 with a pepper that MongoDB never sees.
 *
 * Keys and revocations are inserts, each recorded in the audit before it is made. A key is read again after four seconds;
 * while MongoDB is away, or takes half a second, the last known answer stands.
 */
export class KeyStore {
  readonly #keys: Collection<KeyDocument>
  readonly #revocations: Collection<RevocationDocument>
  readonly #audit: AuditLog
  readonly #pepper: string
  readonly #patience: Patience
  readonly #remembered = new RememberedKeys<RememberedKey>(({ document }) => document === null)
  readonly #unknown = new TokenBuckets(UNKNOWN_IDS, () => performance.now())
  readonly #underWay = new Map<string, Promise<RememberedKey>>()
  readonly #proven = new Map<string, ProvenToken>()
  /** MongoDB did not tell of a key in time when it was last asked. */
  #isAway = false

  constructor(db: Db, pepper: string, patience: Patience = PATIENT) {
    this.#keys = db.collection('keys')
    this.#revocations = db.collection('key_revocations')
    this.#audit = new AuditLog(db)
    this.#pepper = pepper
    this.#patience = patience
  }

  /** Makes a key and returns it whole: the only time that its secret can be read. */
  async create(wish: KeyWish, { at, by }: Change): Promise<string> {
    for (;;) {
      const id = Array.from(randomBytes(8), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
      if ((await this.#keys.findOne({ _id: id })) !== null) continue
      const secret = randomBytes(32).toString('base64url')
      await this.#audit.appendKey({ action: 'key_created', key: id, at, by, before: null, after: wish })
      try {
        const hmac = this.#hmac(secret).toString('hex')
        await this.#keys.insertOne({ _id: id, ...wish, createdAt: at, hmac })
        return `tg_live_${id}_${secret}`
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    }
  }

  /** Ends a key at `endsAt`; false when there is none such. Doing it twice is fine: the earliest end counts. */
  async revoke(id: string, endsAt: number, { at, by }: Change): Promise<boolean> {
    if ((await this.#keys.findOne({ _id: id })) === null) return false
    const before = { revokedAt: await this.#revokedAt(id) }
    await this.#audit.appendKey({
      action: 'key_revoked',
      key: id,
      at,
      by,
      before,
      after: { revokedAt: endsAt },
    })
    await this.#revocations
      .insertOne({
        _id: `${id}/${padNumber(endsAt)}`,
        at: endsAt,
        ...(endsAt > at ? {} : { isAtOnce: true }),
      })
      .catch((error: unknown) => {
        if (!isDuplicateKey(error)) throw error
      })
    this.#remembered.delete(id)
    return true
  }

  /**
   * Makes a key that may do the same, and ends the old one at `endsAt`; null when there is none such in force. The new one
   * ends at `expiresAt`, or with the old one where that is left out.
   */
  async rotate(
    id: string,
    { endsAt, expiresAt }: { readonly endsAt: number; readonly expiresAt?: number },
    change: Change,
  ): Promise<RotatedKey | null> {
    const found = await this.#keys.findOne({ _id: id })
    if (found === null) return null
    const old = { document: found, revokedAt: await this.#endOf(id), readAt: 0 }
    if (!isInForce(old, change.at)) return null
    const { scopes: own, workspaces, label } = found
    const wish = { scopes: own, workspaces, label, expiresAt: expiresAt ?? found.expiresAt }
    const key = await this.create(wish, change)
    await this.revoke(id, endsAt, change)
    const ends = [endsAt, found.expiresAt, old.revokedAt].filter((end) => end !== null)
    return { key, expiresAt: wish.expiresAt, replacedUntil: Math.min(...ends) }
  }

  /** Every key there ever was, oldest first. */
  async list(): Promise<readonly ListedKey[]> {
    const found = await this.#keys.find().sort({ createdAt: 1 }).toArray()
    return Promise.all(
      found.map(async (document) => ({ ...keyOf(document), revokedAt: await this.#revokedAt(document._id) })),
    )
  }

  /** The key that a bearer token is, when it was found right less than four seconds ago; else null. */
  known(token: string, now: number): ApiKey | null {
    const proven = this.#proven.get(token)
    if (proven === undefined || this.#remembered.get(proven.key.id) !== proven.of) return null
    return performance.now() - proven.of.readAt < BELIEVED_MS && isInForce(proven.of, now) ? proven.key : null
  }

  /**
   * The key that a bearer token is, or null. Takes as long for an absent key as for a wrong secret.
   *
   * Throws `overloaded` while too many ids are tried that are not known here; keys that are known are served.
   */
  async authenticate(token: string, now: number): Promise<ApiKey | null> {
    const [, id, secret] = KEY.exec(token) ?? []
    const of = id === undefined ? NO_KEY : await this.#read(id)
    const { document } = of
    const wanted = Buffer.from(document?.hmac ?? this.#hmac('').toString('hex'), 'hex')
    const isRight = timingSafeEqual(this.#hmac(secret ?? ''), wanted)
    if (!isRight || document === null || !isInForce(of, now)) return null
    const key = keyOf(document)
    if (this.#proven.size >= REMEMBERED_MAX) this.#proven.clear()
    this.#proven.set(token, { of, key })
    return key
  }

  async #read(id: string): Promise<RememberedKey> {
    const known = this.#remembered.get(id)
    if (known !== undefined && performance.now() - known.readAt < BELIEVED_MS) return known
    const underWay = this.#underWay.get(id)
    if (known === undefined && underWay === undefined) this.#requireFewUnknown()
    const reading = underWay ?? this.#readAgain(id)
    if (known === undefined) return reading
    const late = (): Error => new Error('MongoDB did not answer for a key in time')
    const isOld = performance.now() - known.readAt >= OLD_MS && !this.#isAway
    const withinMs = isOld ? Math.max(OLD_PATIENCE_MS, this.#patience.withinMs) : this.#patience.withinMs
    return inTime(reading, { withinMs, late }).catch(() => known)
  }

  #requireFewUnknown(): void {
    if (this.#unknown.take('')) return
    this.#patience.onGuessing?.()
    throw new TallygateError('overloaded', 'too many keys are tried that are not known here; try again')
  }

  /** One question for all that wait for the same key. */
  #readAgain(id: string): Promise<RememberedKey> {
    const readAt = performance.now()
    const overdue = setTimeout(() => {
      this.#isAway = true
    }, OLD_PATIENCE_MS)
    const reading = this.#patience
      .guard(() => Promise.all([this.#keys.findOne({ _id: id }), this.#endOf(id)]))
      .then(([document, revokedAt]) => {
        const fresh = { document, revokedAt, readAt }
        this.#remembered.set(id, fresh)
        this.#isAway = false
        return fresh
      })
      .finally(() => {
        clearTimeout(overdue)
        this.#underWay.delete(id)
      })
    this.#underWay.set(id, reading)
    return reading
  }

  /** When a key ends by what was stored, as people read it; null for never. */
  async #revokedAt(id: string): Promise<number | null> {
    return (await this.#revocationsOf(id))[0]?.at ?? null
  }

  /** The same as it is held against our clock: what ended at once has ended, whatever the clock says of its instant. */
  async #endOf(id: string): Promise<number | null> {
    const found = await this.#revocationsOf(id)
    return found.some(({ isAtOnce }) => isAtOnce === true) ? ENDED : (found[0]?.at ?? null)
  }

  /** The earliest first. */
  async #revocationsOf(id: string): Promise<readonly RevocationDocument[]> {
    const range = { _id: { $gte: `${id}/`, $lt: `${id}0` } }
    return this.#revocations.find(range).sort({ _id: 1 }).toArray()
  }

  #hmac(secret: string): Buffer {
    return createHmac('sha256', this.#pepper).update(secret).digest()
  }
}

/** Neither expired nor revoked. */
function isInForce({ document, revokedAt }: RememberedKey, now: number): boolean {
  const expiresAt = document?.expiresAt ?? null
  return (expiresAt === null || now < expiresAt) && (revokedAt === null || now < revokedAt)
}

function keyOf({ _id, hmac: _, ...key }: KeyDocument): ApiKey {
  return { id: _id, ...key, scopes: key.scopes.filter((scope) => scopes.includes(scope)) }
}
