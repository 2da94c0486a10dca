import type { Program } from './process.ts'

/** The engines that Tallygate stands on. */
export const engineNames = ['kafka', 'registry', 'redis', 'mongo'] as const
export type EngineName = (typeof engineNames)[number]

/** Ports of the engines; `controller` is Kafka's own. */
export type EnginePorts = Readonly<Record<EngineName | 'controller', number>>

/** What an engine may use while it is set up. */
export interface EngineContext {
  readonly cache: string
  /** Where its data lives; survives a stop. */
  readonly data: string
  readonly ports: EnginePorts
  readonly report: (state: 'downloading' | 'building' | 'preparing') => void
}

/** How one engine is had as a local process. */
export interface Engine {
  readonly name: EngineName
  /** Environment variable whose address wins over starting one. */
  readonly variable: string
  /** Environment variable that moves its port. */
  readonly portVariable: string
  /** Tools it needs on the PATH, with the sentence that says how to get them. */
  readonly tools: Readonly<Record<string, string>>
  /** Downloads, builds or installs what is missing. Twice is as good as once. */
  readonly fetch: (context: Pick<EngineContext, 'cache' | 'report'>) => Promise<void>
  /** Fetches what is missing, lays out its data, and says how to start it. */
  readonly prepare: (context: EngineContext) => Promise<Program>
  readonly address: (ports: EnginePorts) => string
  /** Rejects while the engine does not answer. */
  readonly ping: (address: string) => Promise<void>
}
