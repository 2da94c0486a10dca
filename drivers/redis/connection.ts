import type { Cluster, Redis as Server } from 'ioredis'

/** A connection to the Redis that keeps the counters: one server, or a Redis Cluster. */
export type Redis = Server | Cluster
