import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Collection, Db } from 'mongodb'
import { type ApiKey, type Scope, scopes } from '#core/api-key.ts'
import { isDuplicateKey } from './append-log.ts'

/** How long a key is believed without being read again: a revocation is effective by then. */
const BELIEVED_MS = 4_000
/** Keys remembered at once. */
const REMEMBERED_MAX = 10_000

const KEY = /^tg_live_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})$/
const ID_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789'

interface KeyDocument extends Omit<ApiKey, 'id'> {
  readonly _id: string
  readonly hmac: string
}

/** What a new key may do. */
export interface KeyWish {
  readonly scopes: readonly Scope[]
  readonly workspaces: ApiKey['workspaces']
  readonly label: string
  readonly expiresAt: number | null
}

/**
 * API keys: `tg_live_<8 id>_<43 secret>`, stored only as HMAC-SHA-256 with a pepper that MongoDB never sees.
 *
 * Keys and revocations are inserts. A key is read again after four seconds; while MongoDB is away the last known
 * answer stands.
 */
export class KeyStore {
  readonly #keys: Collection<KeyDocument>
  readonly #revocations: Collection<{ readonly _id: string; readonly at: number }>
  readonly #pepper: string
  readonly #remembered = new Map<string, { readonly document: KeyDocument | null; readonly readAt: number }>()

  constructor(db: Db, pepper: string) {
    this.#keys = db.collection('keys')
    this.#revocations = db.collection('key_revocations')
    this.#pepper = pepper
  }

  /** Makes a key and returns it whole: the only time that its secret can be read. */
  async create(wish: KeyWish, now: number): Promise<string> {
    for (;;) {
      const id = Array.from(randomBytes(8), (byte) => ID_LETTERS[byte % ID_LETTERS.length]).join('')
      const secret = randomBytes(32).toString('base64url')
      try {
        await this.#keys.insertOne({
          _id: id,
          ...wish,
          createdAt: now,
          hmac: this.#hmac(secret).toString('hex'),
        })
        return `tg_live_${id}_${secret}`
      } catch (error) {
        if (!isDuplicateKey(error)) throw error
      }
    }
  }

  /** Ends a key; false when there is none such. Doing it twice is fine. */
  async revoke(id: string, now: number): Promise<boolean> {
    if ((await this.#keys.findOne({ _id: id })) === null) return false
    await this.#revocations.insertOne({ _id: id, at: now }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
    this.#remembered.delete(id)
    return true
  }

  /** The key that a bearer token is, or null. Takes as long for an absent key as for a wrong secret. */
  async authenticate(token: string, now: number): Promise<ApiKey | null> {
    const [, id, secret] = KEY.exec(token) ?? []
    const document = id === undefined ? null : await this.#read(id)
    const wanted = Buffer.from(document?.hmac ?? this.#hmac('').toString('hex'), 'hex')
    const isRight = timingSafeEqual(this.#hmac(secret ?? ''), wanted)
    if (!isRight || document === null) return null
    if (document.expiresAt !== null && now >= document.expiresAt) return null
    const { _id, hmac: _, ...key } = document
    return { id: _id, ...key, scopes: key.scopes.filter((scope) => scopes.includes(scope)) }
  }

  async #read(id: string): Promise<KeyDocument | null> {
    const known = this.#remembered.get(id)
    if (known !== undefined && performance.now() - known.readAt < BELIEVED_MS) return known.document
    try {
      const [found, revoked] = await Promise.all([
        this.#keys.findOne({ _id: id }),
        this.#revocations.findOne({ _id: id }),
      ])
      const document = revoked === null ? found : null
      if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
      this.#remembered.set(id, { document, readAt: performance.now() })
      return document
    } catch (error) {
      if (known !== undefined) return known.document
      throw error
    }
  }

  #hmac(secret: string): Buffer {
    return createHmac('sha256', this.#pepper).update(secret).digest()
  }
}
