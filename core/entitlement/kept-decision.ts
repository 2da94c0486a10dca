import type { Decision } from './decision.ts'

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
