/** How figures, times and keys read on the page. Pure: the time is an argument. */

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** A whole number with its thousands apart; nothing is shown as a dash. */
export function number(value) {
  return value === null || value === undefined ? '–' : value.toLocaleString('en-US')
}

/** A share in whole percent, rounded down: 100 % is only said where it is reached. */
export function percentOf(part, whole) {
  if (whole <= 0) return part > 0 ? 100 : 0
  return Math.floor((part / whole) * 100)
}

/** `2 more seats`, `1 more seat`. */
export function counted(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A key of the catalogue as words. */
export function words(key) {
  const text = String(key)
    .replaceAll('_', ' ')
    .replace(/\bwhatsapp\b/, 'WhatsApp')
  return text
    .replace(/\b(ai|api)\b/g, (short) => short.toUpperCase())
    .replace(/^[a-z]/, (first) => first.toUpperCase())
}

/** A UTC day: `24 Nov 2026`. */
export function day(iso) {
  const at = new Date(iso)
  const month = at.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' })
  return `${at.getUTCDate()} ${month} ${at.getUTCFullYear()}`
}

/** A UTC time to the minute: `24 Nov 2026, 14:02 UTC`. */
export function minute(iso) {
  return `${day(iso)}, ${new Date(iso).toISOString().slice(11, 16)} UTC`
}

/** A span in its two largest units at most: `3 d 4 h`, `12 min`, `850 ms`. */
export function span(ms) {
  if (ms === null || ms === undefined) return '–'
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND_MS) return `${Math.floor(ms / 100) / 10} s`
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`
  if (ms < DAY_MS) return pair(ms, [HOUR_MS, 'h'], [MINUTE_MS, 'min'])
  return pair(ms, [DAY_MS, 'd'], [HOUR_MS, 'h'])
}

function pair(ms, [large, largeName], [small, smallName]) {
  const rest = Math.floor((ms % large) / small)
  const head = `${Math.floor(ms / large)} ${largeName}`
  return rest === 0 || ms >= 10 * large ? head : `${head} ${rest} ${smallName}`
}

/** How far a time is from now: `in 3 d 4 h`, `12 min ago`, `just now`. */
export function fromNow(iso, now) {
  const ms = Date.parse(iso) - now
  if (Math.abs(ms) < 5 * SECOND_MS) return 'just now'
  return ms > 0 ? `in ${span(ms)}` : `${span(-ms)} ago`
}

/** Money of minor units in its currency. */
export function money(minor, currency) {
  const format = new Intl.NumberFormat('en-US', { style: 'currency', currency })
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2))
}

/** How close use is to its limit: `bad` at it, `warn` from 80 % on, else `good`. */
export function levelOf(used, limit) {
  if (limit === null) return 'good'
  const percent = percentOf(used, limit)
  if (percent >= 100 || (limit === 0 && used > 0)) return 'bad'
  return percent >= 80 ? 'warn' : 'good'
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/
/** What a trace writes right before an amount; other digits are ids, versions, or what somebody wrote. */
const BEFORE =
  /(?<=\b(?:used|limit|gives|at most|at least|went from|went from \d+ to) |[×+=>≤] |^override(?: of \w+)?: )/
const DIGITS = /(?<![\w.:/-])\d{4,16}(?!\d)/
/** What a trace writes right after one. */
const AFTER = /(?= (?:[×+>≤]|held|seats|is taken))/
const FIGURES = new RegExp(
  `${TIME.source}|${BEFORE.source}${DIGITS.source}|${DIGITS.source}${AFTER.source}`,
  'g',
)

/** A sentence of a decision with its times and amounts as people write them. */
export function inWords(text) {
  return text.replaceAll(FIGURES, (found) => (TIME.test(found) ? minute(found) : number(Number(found))))
}

/** A step of a trace likewise; the reason of an override stays as somebody wrote it. */
export function stepInWords({ step, detail }) {
  const reasonAt = step === 'override' ? detail.indexOf(' (') : -1
  if (reasonAt === -1) return inWords(detail)
  return `${inWords(detail.slice(0, reasonAt))}${detail.slice(reasonAt)}`
}
