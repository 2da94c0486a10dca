import type { Decision, Intent } from './decision.ts'
import type { CheckRequest } from './requests.ts'

/** Workspaces remembered at most; the one that was asked about first goes first. */
const WORKSPACES_MAX = 10_000
/** More is refused by the service, whatever the limit. */
const QUANTITY_MAX = 1_000_000_000
/** An answer is exact while it is at most so far behind (the service's own bound). */
const EXACT_WITHIN_MS = 1_000

interface Entry<Feature extends string> {
  readonly decision: Decision<Feature>
  /** When it was asked, not when it was answered: the bound holds for what was true then. */
  readonly askedAt: number
}

type Slot<Feature extends string> = Readonly<Record<Intent, Map<Feature, Entry<Feature>>>>

interface CacheOptions {
  /** How old an answer may be, ms; 0 remembers nothing. */
  readonly boundMs: number
  /** A clock that never goes back, ms. */
  readonly now: () => number
}

/** Keeps an answer under the question it was asked for, unless the workspace was forgotten in the meantime. */
export type Keep<Feature extends string> = (decision: Decision<Feature>) => void

/**
 * Remembers answers of checks for a moment.
 *
 * From one answer others follow: what is within the limit leaves room for `remaining` units, what is unlimited or on has
 * no end. Denials are only repeated for the same quantity, because their ways out depend on it.
 */
export class DecisionCache<Feature extends string = string> {
  readonly #boundMs: number
  readonly #now: () => number
  readonly #slots = new Map<string, Slot<Feature>>()

  constructor({ boundMs, now }: CacheOptions) {
    this.#boundMs = boundMs
    this.#now = now
  }

  /** The answer to a question, as young as the bound says; null when it must be asked. Synchronous and in memory. */
  read(request: CheckRequest<Feature>): Decision<Feature> | null {
    if (this.#boundMs === 0 || !isPlain(request)) return null
    const { workspace, feature, intent = 'add', quantity = 1 } = request
    const entry = this.#slots.get(workspace)?.[intent].get(feature)
    if (entry === undefined || !covers(entry.decision, quantity)) return null
    const ageMs = this.#now() - entry.askedAt
    return ageMs > this.#boundMs ? null : aged(entry.decision, quantity, Math.ceil(ageMs))
  }

  /** To be called before asking: what is learned is kept only if the workspace was not forgotten while asking. */
  expect(request: CheckRequest<Feature>): Keep<Feature> {
    if (this.#boundMs === 0 || !isPlain(request)) return () => undefined
    const { workspace, feature, intent = 'add' } = request
    const slot = this.#slotOf(workspace)
    const askedAt = this.#now()
    return (decision) => {
      if (!decision.degraded) slot[intent].set(feature, { decision, askedAt })
    }
  }

  /** Forgets a workspace, and what is being asked about it: its use has changed. */
  forget(workspace: string): void {
    this.#slots.delete(workspace)
  }

  #slotOf(workspace: string): Slot<Feature> {
    const known = this.#slots.get(workspace)
    if (known !== undefined) return known
    const [oldest] = this.#slots.size >= WORKSPACES_MAX ? this.#slots.keys() : []
    if (oldest !== undefined) this.#slots.delete(oldest)
    const slot = { add: new Map(), use: new Map(), read: new Map() }
    this.#slots.set(workspace, slot)
    return slot
  }
}

/** Whether the answer depends on nothing but workspace, feature, intent and quantity. */
function isPlain({ meter, subject, at, minFreshnessMs, after, explain }: CheckRequest): boolean {
  if (meter !== undefined || subject !== undefined || at !== undefined) return false
  return minFreshnessMs === undefined && after === undefined && explain !== true
}

function covers({ reason, quantity, remaining }: Decision, wanted: number): boolean {
  if (wanted === quantity) return true
  if (!Number.isSafeInteger(wanted) || wanted < 0 || wanted > QUANTITY_MAX) return false
  if (reason === 'unlimited' || reason === 'feature_on') return true
  return reason === 'within_limit' && remaining !== null && wanted <= remaining
}

function aged<Feature extends string>(
  decision: Decision<Feature>,
  quantity: number,
  cachedForMs: number,
): Decision<Feature> {
  const lagMs = decision.lagMs === null ? null : decision.lagMs + cachedForMs
  const exact = decision.exact && lagMs !== null && lagMs <= EXACT_WITHIN_MS
  return { ...decision, quantity, lagMs, exact, cachedForMs }
}
