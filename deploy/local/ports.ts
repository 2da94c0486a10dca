import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { Type } from '#drivers/json-schema.ts'

/** A port of this machine as a setting; the usual one when its variable is left out or empty. */
export function portSetting(usual: number) {
  return Type.Integer({ default: usual, minimum: 1, maximum: 65_535, description: 'a port of this machine' })
}

/** Whether something listens on a port of this machine. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Below what systems give to outgoing connections (Linux: 32768 and up). */
const FREE_FROM = 20_000
const FREE_BELOW = 32_000

/**
 * Ports that nobody uses now, all different.
 *
 * Never those of outgoing connections: while what listened is down, such a connection could take its port, even one
 * to that very port, which then reaches itself.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers: Server[] = []
  while (servers.length < count) {
    const server = await listen(randomInt(FREE_FROM, FREE_BELOW))
    if (server !== null) servers.push(server)
  }
  const ports = servers.map((server) => Object(server.address()).port as number)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function listen(port: number): Promise<Server | null> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** Throws when a port is taken, naming who has it where that can be read, and the variable to change. */
export async function requireFree(port: number, variable: string): Promise<void> {
  if (!(await isListening(port))) return
  const owner = ownerOf(port)
  const who = owner === null ? 'another program' : `pid ${owner.pid} (${owner.command})`
  throw new Error(`port ${port} is taken by ${who}; end it, or set ${variable} to another port`)
}

function ownerOf(port: number): { readonly pid: number; readonly command: string } | null {
  const inode = inodeOf(port)
  if (inode === null) return null
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (!socketsOf(pid).includes(`socket:[${inode}]`)) continue
    return { pid: Number(pid), command: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() }
  }
  return null
}

/** Inode of the listening socket of a port, from the kernel's table (state 0A = listening). */
function inodeOf(port: number): string | null {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const fields = readLines(table).map((line) => line.trim().split(/\s+/))
    const row = fields.find((field) => field[1]?.endsWith(`:${hex}`) && field[3] === '0A')
    if (row?.[9] !== undefined) return row[9]
  }
  return null
}

function readLines(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}

/** What the open files of a process are; those that cannot be read, or were closed meanwhile, are left out. */
function socketsOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
