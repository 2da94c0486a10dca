/** What a feature limits: what exists now, what was used in a window, or nothing but on and off. */
export const featureKinds = ['stock', 'flow', 'switch'] as const
export type FeatureKind = (typeof featureKinds)[number]

/** What stays possible after the subscription lapsed (S16), from most to least. */
export const lapseModes = ['allow', 'block_new', 'read_only', 'block'] as const
export type LapseMode = (typeof lapseModes)[number]

/** What a check answers when usage cannot be known. */
export const unavailablePolicies = ['allow', 'deny', 'last_known'] as const
export type UnavailablePolicy = (typeof unavailablePolicies)[number]

/** Whether denials of a feature are carried out, or only decided and logged (a trial run of new limits). */
export const enforcementModes = ['enforce', 'shadow'] as const
export type EnforcementMode = (typeof enforcementModes)[number]

/** What is asked: only `add` is compared with limits. */
export const intents = ['read', 'use', 'add'] as const
export type Intent = (typeof intents)[number]

/** Something that is sold: a limit over one or more meters, or a switch. */
export interface Feature {
  readonly kind: FeatureKind
  readonly mode: EnforcementMode
  /** Meters whose sum the limit is over; empty for a switch. */
  readonly meters: readonly string[]
  /** Only for flow: how long a window is. */
  readonly window?: 'month'
  /** Switch that must be on before this feature may be added to. */
  readonly requires?: string
  /** Hours of use past the limit before it is denied; 0 = hard (L1, L2). */
  readonly graceHours: number
  /** Grace is re-armed once usage falls below this percent of the limit. */
  readonly rearmBelowPercent: number
  /** Percent of the limit at which a notice is sent, ascending. */
  readonly thresholds: readonly number[]
  readonly lapse: LapseMode
  readonly onUnavailable: UnavailablePolicy
}

/** Intents that a lapse mode leaves possible (S16). */
export function lapseAllows(mode: LapseMode, intent: Intent): boolean {
  switch (mode) {
    case 'allow':
      return true
    case 'block_new':
      return intent !== 'add'
    case 'read_only':
      return intent === 'read'
    case 'block':
      return false
  }
}

/** Meters of flow that may be used after a lapse: the last window goes on, so its days are not over (S16). */
export function lastingMeters({
  features,
}: {
  readonly features: Readonly<Record<string, Feature>>
}): readonly string[] {
  return Object.values(features).flatMap(({ kind, lapse, meters }) =>
    kind === 'flow' && lapse === 'allow' ? meters : [],
  )
}
