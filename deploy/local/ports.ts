import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect } from 'node:net'
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

/**
 * Below what systems give to outgoing connections (Linux: 32768 and up), and below the ports on which nodes of a Redis
 * Cluster hear each other, 10,000 above their own.
 */
const FREE_FROM = 20_000
const FREE_BELOW = 30_000

/**
 * Ports that nobody uses now, all different; no other process is given them as long as this one lives.
 *
 * Never those of outgoing connections: while what listened is down, such a connection could take its port, even one
 * to that very port, which then reaches itself.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = randomInt(FREE_FROM, FREE_BELOW)
    if ((await claim(port)) && !(await isListening(port))) ports.push(port)
  }
  return ports
}

/**
 * Claims a port against every other process that asks here: nothing listens on it until what it is for has started,
 * seconds later. The mark is its namesake in UDP, which a system gives to one process and takes back when that ends.
 */
function claim(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref()
  return new Promise((resolve) => {
    socket.once('error', () => {
      socket.close()
      resolve(false)
    })
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true))
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
