import { readdirSync, readFileSync } from 'node:fs'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import { type RecordName, recordNames } from '#schemas/records.ts'

const fields = Type.Record(Type.String(), Type.Unknown())
const at = Type.Optional(Type.String())
const say = Type.Optional(Type.String())
const exact = { additionalProperties: false } as const

const heading = Type.Object({ title: Type.String(), workspace: Type.String() }, exact)
const send = Type.Object(
  {
    send: Type.Enum([...recordNames]),
    at,
    every: at,
    times: Type.Optional(Type.Integer({ minimum: 1 })),
    say,
    fields,
  },
  exact,
)
const subscribe = Type.Object(
  { subscribe: Type.String(), at, say, subscription: fields, order: Type.Optional(fields) },
  exact,
)
const check = Type.Object({ check: fields, expect: Type.String() }, exact)
const until = Type.Object({ until: Type.String(), say }, exact)
const line = Type.Union([heading, send, subscribe, check, until])

/** One step of a story. Times are relative to its start: `now`, `-21d`, `+8s`, `-14m51s`. */
export type Step = Type.Static<typeof line>

/** The stories of the demo, in order, each a list of steps. Throws for a line that is no step. */
export function readStories(): readonly (readonly Step[])[] {
  const directory = new URL('./', import.meta.url)
  const files = readdirSync(directory).filter((name) => name.endsWith('.jsonl'))
  return files.sort().map((name) => {
    const lines = readFileSync(new URL(name, directory), 'utf8').trim().split('\n')
    return lines.map((text, index) => {
      const step: unknown = JSON.parse(text)
      if (Value.Check(line, step)) return step
      throw new Error(`${name}:${index + 1} is not a step of a story`)
    })
  })
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of a relative time, null for a text that is none. */
export function offsetOf(text: string): number | null {
  if (text === 'now') return 0
  const match = /^([+-])((?:\d+[smhd])+)$/.exec(text)
  if (match === null) return null
  const parts = [...(match[2] ?? '').matchAll(/(\d+)([smhd])/g)]
  const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * (UNITS[unit ?? 's'] ?? 0), 0)
  return match[1] === '-' ? -sum : sum
}

/** A value with every relative time in it made epoch milliseconds. */
export function timed(value: unknown, start: number): unknown {
  if (typeof value === 'string') {
    const offset = offsetOf(value)
    return offset === null ? value : start + offset
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, timed(item, start)]))
}

/** A step that sends usage. */
export type SendStep = Type.Static<typeof send> & { readonly send: RecordName }
/** A step that changes the subscription. */
export type SubscribeStep = Type.Static<typeof subscribe>
/** A step that asks. */
export type CheckStep = Type.Static<typeof check>
