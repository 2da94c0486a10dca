import { TallygateError } from '#core/errors.ts'
import { loginProblem } from '../url-login.ts'

/** A server of Redis, and who logs in to it. */
export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** What a REDIS_URL of a cluster says. */
export interface ClusterAddress {
  /** Nodes to ask first; they name the others. */
  readonly nodes: readonly RedisNode[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly tls: boolean
}

const CLUSTER_URL = /^redis(s?)\+cluster:\/\/(?:([^/?#@]*)@)?([^/?#@]*)\/?$/
const NODE = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/
const PORT_MAX = 65_535

/** Whether an address is one of a cluster. */
export function isClusterUrl(url: string): boolean {
  return /^rediss?\+cluster:/.test(url)
}

/**
 * Reads `redis+cluster://user:password@host:port,host:port`, or `rediss+cluster://` for TLS.
 *
 * Throws `invalid_config` with a sentence that repeats nothing secret.
 */
export function parseClusterUrl(url: string): ClusterAddress {
  const [, tls, login, hosts = ''] = CLUSTER_URL.exec(url) ?? refuse(FORM)
  const nodes = hosts.split(',').map((text, index) => nodeOf(text, index))
  const names = nodes.map(({ host, port }) => `${host}:${port}`)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) refuse(`REDIS_URL names ${twice} twice`)
  return { nodes, ...loginOf(login), tls: tls === 's' }
}

/** What of a REDIS_URL is wrong though it begins as one should. */
export function redisProblems({ REDIS_URL: url }: { readonly REDIS_URL: string }): readonly string[] {
  try {
    if (isClusterUrl(url)) parseClusterUrl(url)
    else requireOneServer(url)
    return []
  } catch (error) {
    if (error instanceof TallygateError) return [error.message]
    throw error
  }
}

const FORM =
  'REDIS_URL must be redis+cluster://user:password@host:port,host:port without a database or options: a cluster has only database 0'

function requireOneServer(url: string): void {
  const authority = /^rediss?:\/\/(?:[^/?#]*@)?([^/?#]*)/.exec(url)?.[1] ?? ''
  if (authority.includes(','))
    refuse('REDIS_URL names several servers; write redis+cluster:// for the nodes of a Redis Cluster')
  const problem = loginProblem('REDIS_URL', url)
  if (problem !== null) refuse(problem)
  if (!URL.canParse(url))
    refuse('REDIS_URL is no URL; write redis://user:password@host:port, percent-encoded')
}

function nodeOf(text: string, index: number): RedisNode {
  const [, host = '', port = ''] = NODE.exec(text) ?? []
  const isPort = Number(port) >= 1 && Number(port) <= PORT_MAX
  if (host === '' || !isPort)
    refuse(`node ${index + 1} of REDIS_URL is not host:port; write every node so, separated by commas`)
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

function loginOf(login: string | undefined): Pick<ClusterAddress, 'username' | 'password'> {
  if (login === undefined) return { username: undefined, password: undefined }
  const [username = '', password, ...more] = login.split(':')
  if (password === undefined || password === '' || more.length > 0)
    refuse('REDIS_URL has no user:password before its @; percent-encode what stands in a password')
  return { username: decoded(username) || undefined, password: decoded(password) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('REDIS_URL has a user or password that is not percent-encoded')
  }
}

function refuse(message: string): never {
  throw new TallygateError('invalid_config', message)
}
