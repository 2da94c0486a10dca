import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from './connection.ts'

/** A reply as ioredis gives it: strings, integers, nil, or lists of them. */
export type RawReply = string | number | null | readonly RawReply[]

interface ScriptSpec<Input, Output> {
  readonly file: string
  /** Files whose functions the script uses, put before it. */
  readonly parts?: readonly string[]
  readonly keys: (input: Input) => readonly string[]
  readonly args: (input: Input) => ReadonlyArray<string | number | Buffer>
  readonly reply: (raw: RawReply, input: Input) => Output
}

/** A Lua file with its key order, argument order and reply shape pinned in one place. */
export type Script<Input, Output> = (redis: Redis, input: Input) => Promise<Output>

/** Loads a script once; sends it by its hash, and whole when this Redis does not hold it yet. */
export function defineScript<Input, Output>(spec: ScriptSpec<Input, Output>): Script<Input, Output> {
  const source = sourceOf(spec.file, spec.parts ?? [])
  const sha = hashOf(source)
  return async (redis, input) => {
    const keys = spec.keys(input)
    const argv = [...keys, ...spec.args(input)]
    const raw = await redis.evalsha(sha, keys.length, ...argv).catch((error: unknown) => {
      if (!isNoScript(error)) throw error
      return redis.eval(source, keys.length, ...argv)
    })
    return spec.reply(asReply(raw), input)
  }
}

/** The name by which Redis knows a script without parts. */
export function scriptHash(file: string): string {
  return hashOf(sourceOf(file, []))
}

function hashOf(source: string): string {
  return createHash('sha1').update(source).digest('hex')
}

/** A script with its parts after its first line, which says how Redis runs it. */
function sourceOf(file: string, parts: readonly string[]): string {
  const read = (name: string): string => readFileSync(new URL(`./lua/${name}`, import.meta.url), 'utf8')
  const [first = '', ...rest] = read(file).split('\n')
  return [first, ...parts.map(read), ...rest].join('\n')
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function asReply(raw: unknown): RawReply {
  return raw as RawReply
}

/** A reply that must be one of some words. */
export function wordOf<Word extends string>(raw: RawReply, words: readonly Word[], file: string): Word {
  const found = words.find((word) => word === raw)
  if (found === undefined)
    throw new TypeError(`${file} replied ${JSON.stringify(raw)}, not one of ${words.join(', ')}`)
  return found
}

/** A reply that must be a list. */
export function listOf(raw: RawReply, file: string): readonly RawReply[] {
  if (Array.isArray(raw)) return raw
  throw new TypeError(`${file} replied ${JSON.stringify(raw)}, not a list`)
}
