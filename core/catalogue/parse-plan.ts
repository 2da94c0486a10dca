import { type Amount, isAmount, ZERO } from '../amount.ts'
import { parsePrices } from './parse-prices.ts'
import { type LimitFormula, type Plan, type PlanVersion, reaches, type SwitchState } from './plan.ts'
import type { SourceReader } from './source-reader.ts'

/** A plan with its versions, oldest first. */
export function parsePlan(reader: SourceReader): Plan {
  reader.ignore('assumed')
  const versions = reader.objects('versions', parseVersion)
  if (versions.length === 0) reader.fault('versions', 'a plan needs at least one version')
  versions.forEach((version, index) => {
    const previous = versions[index - 1]
    if (previous !== undefined && previous.from >= version.from) {
      reader.fault(`versions[${index}].version`, `must be later than ${previous.version}`)
    }
  })
  const plan = { rank: reader.amount('rank'), versions }
  reader.close()
  return plan
}

function parseVersion(reader: SourceReader): PlanVersion {
  reader.ignore('assumed')
  const from = reader.date('version')
  const [on, off] = [parseSwitches(reader, 'on'), parseSwitches(reader, 'off')]
  for (const feature of Object.keys(off).filter((key) => Object.hasOwn(on, key)))
    reader.fault('off', `"${feature}" is on in the same version; say one of them`)
  return {
    version: reader.text('version', 'optional'),
    from,
    limits: reader.map('limits', (value, path) => parseLimit(reader, value, path)),
    switches: { ...on, ...off },
    prices: parsePrices(reader),
  }
}

const UNLIMITED: LimitFormula = {
  unlimited: true,
  base: ZERO,
  perSeat: ZERO,
  min: null,
  max: null,
  reach: 'new',
}

function parseLimit(parent: SourceReader, value: unknown, path: string): LimitFormula {
  if (value === 'unlimited') return UNLIMITED
  const reader = parent.object(value, path)
  reader.ignore('assumed')
  const unlimited = reader.raw('unlimited') === true
  const states = ['base', 'perSeat', 'min', 'max'].some((property) => reader.has(property))
  if (!states && !unlimited) reader.fault('base', 'a limit is "unlimited", or has base, perSeat, min or max')
  const formula: LimitFormula = {
    unlimited,
    base: asAmount(reader.amount('base', 0)),
    perSeat: asAmount(reader.amount('perSeat', 0)),
    min: reader.has('min') ? asAmount(reader.amount('min')) : null,
    max: reader.has('max') ? asAmount(reader.amount('max')) : null,
    reach: reader.word('reach', reaches, 'new'),
  }
  if (formula.min !== null && formula.max !== null && formula.min > formula.max) {
    reader.fault('min', 'must not be above max')
  }
  reader.close()
  return formula
}

function asAmount(value: number): Amount {
  return isAmount(value) ? value : ZERO
}

/** Switches that a version turns on or off: bare keys, or `{feature, reach}`. */
function parseSwitches(reader: SourceReader, property: 'on' | 'off'): Record<string, SwitchState> {
  const on = property === 'on'
  const entries = reader.list(property, []).map((value, index): [string, SwitchState] => {
    if (typeof value === 'string') return [value, { on, reach: 'new' }]
    const entry = reader.object(value, reader.pathOf(`${property}[${index}]`))
    entry.ignore('assumed')
    const state = { on, reach: entry.word('reach', reaches, 'new') }
    const feature = entry.text('feature')
    entry.close()
    return [feature, state]
  })
  return Object.fromEntries(entries)
}
