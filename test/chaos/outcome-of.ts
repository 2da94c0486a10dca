/** Status and body of an answer. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** The decisions of an answer: one that is a decision itself, a list of them, or none. */
export function decisionsOf(body: Answer['body']): readonly Readonly<Record<string, unknown>>[] {
  const { decisions } = body
  if (Array.isArray(decisions)) return decisions
  return 'reason' in body ? [body] : []
}

/** Status with reasons or code; `*` marks decisions that say `degraded`, without figures and not exact. */
export function outcomeOf({ status, body }: Answer): string {
  const reasons = decisionsOf(body).map(({ reason, degraded, exact, asOf }) => {
    const isMarked = degraded === true && exact === false && asOf === null
    return `${reason}${isMarked ? '*' : degraded === true ? ' degraded, though with figures' : ''}`
  })
  const said = status === 200 ? reasons : [body['code']]
  return [status, ...said].join(' ')
}
