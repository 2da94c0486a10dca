import { isAmount } from '../amount.ts'
import { type Instant, toIso } from '../instant.ts'

/** One thing that is wrong with a catalogue, where it stands, and what would be right. */
export interface Problem {
  readonly path: string
  readonly problem: string
}

type Fields = Readonly<Record<string, unknown>>

/** Entries of one list or map, far more than anybody sells. */
const ENTRIES_MAX = 1_000
/** Problems that are told at once. */
export const PROBLEMS_MAX = 200

/**
 * Reads JSON that came from outside, noting every problem instead of stopping at the first.
 *
 * Each read returns a usable value even where the source is wrong, so that reading goes on; the result counts
 * only when no problem was noted.
 */
export class SourceReader {
  readonly path: string
  readonly #fields: Fields
  readonly #problems: Problem[]
  readonly #read = new Set<string>()

  constructor(source: unknown, path: string, problems: Problem[]) {
    this.path = path
    this.#problems = problems
    const isObject = typeof source === 'object' && source !== null && !Array.isArray(source)
    if (!isObject) this.#note({ path: path || '(catalogue)', problem: 'must be an object' })
    this.#fields = isObject ? Object.fromEntries(Object.entries(source)) : {}
  }

  /** Notes a problem of a property. */
  fault(property: string, problem: string): void {
    this.#note({ path: this.pathOf(property), problem })
  }

  /** Path of a property, for example `plans.base.rank`; items of a list stand in brackets. */
  pathOf(property: string): string {
    const isItem = property === '' || property.startsWith('[')
    return this.path === '' || isItem ? `${this.path}${property}` : `${this.path}.${property}`
  }

  /** Whether the source states a property. */
  has(property: string): boolean {
    return this.#take(property) !== undefined
  }

  /** One of some words. */
  word<Word extends string>(property: string, words: readonly Word[], fallback?: Word): Word {
    const value = this.#take(property)
    const found = words.find((word) => word === value)
    if (found !== undefined) return found
    if (value !== undefined || fallback === undefined)
      this.fault(property, `must be one of ${words.join(', ')}`)
    return fallback ?? (words[0] as Word)
  }

  /** A non-empty text, '' when it is missing and may be. */
  text(property: string, presence: 'required' | 'optional' = 'required'): string {
    const value = this.#take(property)
    if (typeof value === 'string' && value !== '') return value
    if (value !== undefined || presence === 'required') this.fault(property, 'must be a text')
    return ''
  }

  /** A whole number of units from 0. */
  amount(property: string, fallback?: number): number {
    return this.#wholeNumber(property, { fallback })
  }

  /** A length of time or a count that dates are computed from: a whole number up to `max`. */
  bounded(property: string, max: number, fallback?: number): number {
    return this.#wholeNumber(property, { fallback, max })
  }

  #wholeNumber(
    property: string,
    { fallback, max }: { readonly fallback: number | undefined; readonly max?: number },
  ): number {
    const value = this.#take(property)
    if (isAmount(value) && (max === undefined || value <= max)) return value
    const range = max === undefined ? 'a whole number from 0' : `a whole number of 0 … ${max}`
    if (value !== undefined || fallback === undefined) this.fault(property, `must be ${range}`)
    return fallback ?? 0
  }

  /** A date `yyyy-mm-dd` that exists (30 February does not), as its first instant. */
  date(property: string): Instant {
    const value = this.#take(property)
    const instant =
      typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN
    if (!Number.isNaN(instant) && toIso(instant).startsWith(String(value))) return instant
    this.fault(property, 'must be a date yyyy-mm-dd')
    return 0
  }

  /** A date, or a time `yyyy-mm-ddThh:mm:ss.sssZ` in UTC; seconds may stand without milliseconds. */
  instant(property: string): Instant {
    const value = this.#fields[property]
    if (typeof value !== 'string' || !value.includes('T')) return this.date(property)
    this.#take(property)
    const instant = Date.parse(value)
    const text = value.replace(/:(\d\d)Z$/, ':$1.000Z')
    if (!Number.isNaN(instant) && toIso(instant) === text) return instant
    this.fault(property, 'must be a date yyyy-mm-dd or a time yyyy-mm-ddThh:mm:ssZ')
    return 0
  }

  /** A list of texts. */
  texts(property: string, fallback?: readonly string[]): readonly string[] {
    return this.list(property, fallback).filter((value, index): value is string => {
      if (typeof value === 'string' && value !== '') return true
      this.fault(`${property}[${index}]`, 'must be a text')
      return false
    })
  }

  /** A list of whatever. */
  list(property: string, fallback?: readonly unknown[]): readonly unknown[] {
    const value = this.#take(property)
    if (Array.isArray(value) && value.length > ENTRIES_MAX) {
      this.fault(property, `must have ${ENTRIES_MAX} entries at most`)
      return []
    }
    if (Array.isArray(value)) return value
    if (value !== undefined || fallback === undefined) this.fault(property, 'must be a list')
    return fallback ?? []
  }

  /** A list of objects, each with a reader of its own that is closed afterwards. */
  objects<Item>(
    property: string,
    read: (reader: SourceReader, index: number) => Item,
    fallback?: [],
  ): Item[] {
    return this.list(property, fallback).map((value, index) => {
      const reader = new SourceReader(value, this.pathOf(`${property}[${index}]`), this.#problems)
      const item = read(reader, index)
      reader.close()
      return item
    })
  }

  /** An object that is a map from keys to values. */
  map<Item>(
    property: string,
    read: (value: unknown, path: string, key: string) => Item,
  ): Record<string, Item> {
    const value = this.#take(property) ?? {}
    const reader = new SourceReader(value, this.pathOf(property), this.#problems)
    const fields = Object.entries(reader.#fields)
    if (fields.length > ENTRIES_MAX) {
      this.fault(property, `must have ${ENTRIES_MAX} entries at most`)
      return {}
    }
    const entries = fields.map(([key, item]): [string, Item] => {
      if (!/^[A-Za-z0-9_]{1,64}$/.test(key)) reader.fault(key, 'a key must be 1–64 of A-Za-z0-9_')
      return [key, read(item, reader.pathOf(key), key)]
    })
    return Object.fromEntries(entries)
  }

  /** A reader for a nested object; close it after use. */
  object(value: unknown, path: string): SourceReader {
    return new SourceReader(value, path, this.#problems)
  }

  /** A property that is a map from keys to whole numbers. */
  amounts(property: string): Record<string, number> {
    return this.map(property, (value, path) => {
      if (isAmount(value)) return value
      this.#note({ path, problem: 'must be a whole number from 0' })
      return 0
    })
  }

  /** Marks a property as known without reading it. */
  ignore(property: string): void {
    this.#read.add(property)
  }

  /** The raw value of a property. */
  raw(property: string): unknown {
    return this.#take(property)
  }

  /** Notes every property that nobody read: a name that was mistyped must not be silently ignored. */
  close(): void {
    for (const property of Object.keys(this.#fields)) {
      if (!this.#read.has(property)) this.fault(property, 'is not a property here; check its spelling')
    }
  }

  #note(problem: Problem): void {
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push(problem)
  }

  #take(property: string): unknown {
    this.#read.add(property)
    return Object.hasOwn(this.#fields, property) ? this.#fields[property] : undefined
  }
}
