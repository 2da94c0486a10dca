import { Cluster, type Redis as Server } from 'ioredis'
import { TallygateError } from '#core/errors.ts'
import type { Redis } from './connection.ts'

/**
 * Refuses a Redis that may throw counters away: under memory pressure, or with every restart.
 *
 * Of a cluster every node is looked at, for a replica is the master of tomorrow; a replica that does not answer is left
 * out. Throws `invalid_config` for an eviction policy other than noeviction, and without an append-only file
 * (counting.md, "Deployment settings"). Needs no more of an ACL user than INFO.
 */
export async function requireSafeRedis(redis: Redis): Promise<void> {
  const problems = redis instanceof Cluster ? await ofCluster(redis) : await ofServer(redis)
  if (problems.length === 0) return
  const message = `the Redis of REDIS_URL runs with ${[...new Set(problems)].join(', and with ')}. Set it and start again`
  throw new TallygateError('invalid_config', message)
}

async function ofCluster(cluster: Cluster): Promise<readonly string[]> {
  const found = await Promise.all([
    ...cluster.nodes('master').map(faultsOf),
    ...cluster.nodes('slave').map((replica) => faultsOf(replica).catch(() => [])),
  ])
  return found.flat()
}

async function ofServer(server: Server): Promise<readonly string[]> {
  const isNode = (await server.info('cluster')).includes('cluster_enabled:1')
  const form = 'cluster mode on; then REDIS_URL must be redis+cluster://, with some of its nodes'
  return [...(await faultsOf(server)), ...(isNode ? [form] : [])]
}

async function faultsOf(server: Server): Promise<readonly string[]> {
  const info = `${await server.info('memory')}${await server.info('persistence')}`
  const policy = /maxmemory_policy:(\S+)/.exec(info)?.[1] ?? 'unknown'
  return [
    ...(policy === 'noeviction' ? [] : [`maxmemory-policy ${policy}; counters need noeviction`]),
    ...(/aof_enabled:1/.test(info)
      ? []
      : ['no append-only file; every restart would lose all: set appendonly yes']),
  ]
}
