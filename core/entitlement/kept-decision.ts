import type { Amount } from '../amount.ts'
import type { Feature } from '../catalogue/feature.ts'
import type { Instant } from '../instant.ts'
import type { AccessState } from '../subscription/access.ts'
import type { Decision } from './decision.ts'
import type { Entitlement, LimitSource } from './entitlement.ts'
import type { Crossing } from './facts.ts'

const fields = [
  'allowed',
  'reason',
  'workspace',
  'feature',
  'quantity',
  'limit',
  'used',
  'held',
  'remaining',
  'unlimited',
  'window',
  'resetsAt',
  'plan',
  'planVersion',
  'status',
  'overLimit',
  'unblock',
  'asOf',
  'lagMs',
  'exact',
  'degraded',
] as const satisfies readonly (keyof Decision)[]

/** Decisions as they are kept with an operation: values without their names, and without the trace. */
export function keepDecisions(decisions: readonly Decision[]): string {
  return JSON.stringify(decisions.map((decision) => fields.map((field) => decision[field])))
}

/** Decisions as `keepDecisions` wrote them. */
export function keptDecisions(text: string): readonly Decision[] {
  const rows: readonly (readonly unknown[])[] = JSON.parse(text)
  return rows.map((row) => {
    const named = fields.map((field, index) => [field, row[index]])
    return { ...Object.fromEntries(named), trace: [] } as unknown as Decision
  })
}

/** What a decision on a feature rests on beside figures and time. */
export interface Grounds {
  readonly entitlement: Entitlement
  readonly crossing: Crossing | null
}

type KeptGrounds = readonly [
  kind: Feature['kind'],
  mode: Feature['mode'],
  requires: string | null,
  graceHours: number,
  rearmBelowPercent: number,
  lapse: Feature['lapse'],
  access: AccessState,
  status: string,
  plan: string | null,
  planVersion: string | null,
  on: boolean,
  limit: Amount | null,
  source: LimitSource,
  window: readonly [Instant, Instant] | null,
  resetsAt: Instant | null,
  openOrderId: string | null,
  since: Instant | null,
]

/** The same for as long as an entitlement stays, so that they are laid out once. */
const laidOut = new WeakMap<Entitlement, { readonly crossing: Crossing | null; readonly text: string }>()

/** Grounds as they are kept with an operation: all that `decide` reads of them to allow something. */
export function keepGrounds({ entitlement, crossing }: Grounds): string {
  const known = laidOut.get(entitlement)
  if (known !== undefined && known.crossing === crossing) return known.text
  const { feature, access, status, plan, planVersion, on, limit, source, window } = entitlement
  const kept: KeptGrounds = [
    feature.kind,
    feature.mode,
    feature.requires ?? null,
    feature.graceHours,
    feature.rearmBelowPercent,
    feature.lapse,
    access,
    status,
    plan,
    planVersion,
    on,
    limit,
    source,
    window === null ? null : [window.from, window.to],
    entitlement.resetsAt,
    entitlement.openOrderId,
    crossing?.since ?? null,
  ]
  const text = JSON.stringify(kept)
  laidOut.set(entitlement, { crossing, text })
  return text
}

/** Grounds as `keepGrounds` wrote them, of features in the order in which they were kept. */
export function keptGrounds(
  text: string,
  { workspace, features }: { readonly workspace: string; readonly features: readonly string[] },
): readonly Grounds[] {
  const rows: readonly KeptGrounds[] = JSON.parse(text)
  return rows.map((row, index) => groundsOf(row, { workspace, featureKey: features[index] ?? '' }))
}

function groundsOf(
  kept: KeptGrounds,
  name: { readonly workspace: string; readonly featureKey: string },
): Grounds {
  const [kind, mode, requires, graceHours, rearmBelowPercent, lapse, access, status, ...rest] = kept
  const [plan, planVersion, on, limit, source, window, resetsAt, openOrderId, since] = rest
  const rules = { kind, mode, graceHours, rearmBelowPercent, lapse }
  const unused = { meters: [], thresholds: [], onUnavailable: 'deny' } as const
  const feature = { ...rules, ...unused, ...(requires === null ? {} : { requires }) }
  const terms = { access, status, plan, planVersion, on, limit, source, resetsAt, openOrderId }
  const [from, to] = window ?? [0, 0]
  const entitlement = {
    ...name,
    ...terms,
    feature,
    window: window === null ? null : { from, to, days: [], splitDay: null },
    isOffByOverride: false,
    ...(resetsAt === null ? {} : { atReset: { on, limit } }),
    seats: 0,
    currency: null,
    resolvedAt: 0,
    validUntil: 0,
    trace: [],
  }
  return { entitlement, crossing: since === null ? null : { since } }
}
