import type { Amount } from '../amount.ts'

/** What counters say about one feature, all its meters summed. */
export interface FeatureUsage {
  /** Units used, of the window for flow features. */
  readonly used: Amount
  /** Units in open holds. */
  readonly held: Amount
  /** Whether the subject of the request is a member already (distinct meters); false when none was named. */
  readonly subjectIsMember: boolean
  /** Whether an open hold names the subject: holding it again costs nothing. */
  readonly subjectIsHeld: boolean
}
