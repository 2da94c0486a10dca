import { Gauge, type Registry } from 'prom-client'
import { inTime } from './in-time.ts'

/** Things that must work, by name; each is null when it does, else what is wrong. */
export type Checks = Readonly<Record<string, () => Promise<string | null>>>

/** How everything does: `up`, or what is wrong. */
export interface Readiness {
  readonly isReady: boolean
  readonly parts: Readonly<Record<string, string>>
}

/** What says nothing for so long does not work, ms: probes and scrapes wait no longer than some seconds themselves. */
const WITHIN_MS = 2_000

/** Asks all at once; a check that throws, or is late, is what is wrong. */
export async function readinessOf(checks: Checks): Promise<Readiness> {
  const late = (): Error => new Error(`no answer within ${WITHIN_MS} ms`)
  const entries = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, string]> => {
      const problem = await inTime(check(), { withinMs: WITHIN_MS, late }).catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      )
      return [name, problem ?? 'up']
    }),
  )
  return { isReady: entries.every(([, state]) => state === 'up'), parts: Object.fromEntries(entries) }
}

/** Has a scrape say what `/readyz` says. */
export function measureReadiness(registry: Registry, checks: Checks): void {
  const up = new Gauge({
    name: 'tallygate_dependency_up',
    help: '1 for what works of that which this process needs, as /readyz says it; 0 for what does not',
    labelNames: ['dependency'] as const,
    registers: [registry],
    collect: async () => {
      const { parts } = await readinessOf(checks)
      for (const [dependency, state] of Object.entries(parts)) up.set({ dependency }, state === 'up' ? 1 : 0)
    },
  })
}
