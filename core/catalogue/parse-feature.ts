import { enforcementModes, type Feature, featureKinds, lapseModes, unavailablePolicies } from './feature.ts'
import type { SourceReader } from './source-reader.ts'

/** Percent of the limit at which notices are sent, unless the feature says otherwise (ours, assumed). */
const THRESHOLDS: readonly number[] = [80, 100]

/** A feature; enforced, lapse `block_new`, no grace and re-arming below 100 % unless it says otherwise. */
export function parseFeature(reader: SourceReader): Feature {
  reader.ignore('assumed')
  const kind = reader.word('kind', featureKinds)
  const requires = reader.text('requires', 'optional')
  const isSwitch = kind === 'switch'
  const feature: Feature = {
    kind,
    mode: reader.word('mode', enforcementModes, 'enforce'),
    meters: isSwitch ? reader.texts('meters', []) : reader.texts('meters'),
    ...(kind === 'flow' ? { window: reader.word('window', ['month'] as const, 'month') } : {}),
    ...(requires === '' ? {} : { requires }),
    graceHours: reader.bounded('graceHours', 87_600, 0),
    rearmBelowPercent: reader.amount('rearmBelowPercent', 100),
    thresholds: parseThresholds(reader, isSwitch),
    lapse: reader.word('lapse', lapseModes, 'block_new'),
    onUnavailable: reader.word('onUnavailable', unavailablePolicies, 'last_known'),
  }
  if (isSwitch && feature.meters.length > 0)
    reader.fault('meters', 'a switch counts nothing; leave meters out')
  if (isSwitch && requires !== '')
    reader.fault('requires', 'a switch needs no other; leave it out, and say on or off in each plan')
  if (!isSwitch && feature.meters.length === 0)
    reader.fault('meters', `a ${kind} feature needs at least one meter`)
  if (feature.rearmBelowPercent > 100) reader.fault('rearmBelowPercent', 'must be 0 … 100')
  reader.close()
  return feature
}

function parseThresholds(reader: SourceReader, isSwitch: boolean): readonly number[] {
  const values = reader.list('thresholds', isSwitch ? [] : THRESHOLDS)
  const thresholds = values.map((value) => (isPercent(value) ? Number(value) : Number.NaN))
  const rises = thresholds.every((value, index) => value > (thresholds[index - 1] ?? 0) && value <= 1_000)
  if (!rises || !thresholds.every(Number.isInteger))
    reader.fault('thresholds', 'must be rising whole percents, 1 … 1000')
  return thresholds
}

/** A number, or one as text: stored catalogues may have those, and history is judged by them. */
function isPercent(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))
}
