import type { System } from '#test/helpers/system.ts'
import type { Row } from './statistics.ts'

/** In the order in which they are shown. They read the engines' addresses when they are loaded, so that is done late. */
export const benches = {
  benchCheck: async () => (await import('./bench-check.ts')).benchCheck,
  benchCheckBusy: async () => (await import('./bench-check-busy.ts')).benchCheckBusy,
  benchClientCache: async () => (await import('./bench-client-cache.ts')).benchClientCache,
  benchConsume: async () => (await import('./bench-consume.ts')).benchConsume,
  benchIngest: async () => (await import('./bench-ingest.ts')).benchIngest,
  benchLag: async () => (await import('./bench-lag.ts')).benchLag,
  benchRecovery: async () => (await import('./bench-recovery.ts')).benchRecovery,
  benchStart: async () => (await import('./bench-start.ts')).benchStart,
  benchWorkspaces: async () => (await import('./bench-workspaces.ts')).benchWorkspaces,
  benchSizes: async () => (await import('./bench-sizes.ts')).benchSizes,
} as const satisfies Record<string, () => Promise<(system: System) => Promise<readonly Row[]>>>

/** A benchmark, by its name. */
export type BenchName = keyof typeof benches
