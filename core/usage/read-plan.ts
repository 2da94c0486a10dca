/** What to read of a workspace to answer for some features. */
export interface ReadPlan {
  /** Fields of the usage hash. */
  readonly fields: readonly string[]
  /** Distinct meters whose size counts, with the subject to look up, if any. */
  readonly sets: readonly { readonly meter: string; readonly subject: string | null }[]
}
