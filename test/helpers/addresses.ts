/** Where the engines of this test run are. */
export interface EngineAddresses {
  readonly kafka: string
  readonly registry: string
  readonly redis: string
  readonly mongo: string
}

function address(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set; run the tests through vitest's global setup`)
  return value
}

/** The addresses that the global setup started or was given. */
export function engineAddresses(): EngineAddresses {
  return {
    kafka: address('KAFKA_BROKERS'),
    registry: address('SCHEMA_REGISTRY_URL'),
    redis: address('REDIS_URL'),
    mongo: address('MONGODB_URL'),
  }
}
