import type { AddOn, Catalogue } from './catalogue.ts'
import { checkReferences } from './check-references.ts'
import { parseFeature } from './parse-feature.ts'
import { parseMeter } from './parse-meter.ts'
import { parsePaymentRule, parseTerm } from './parse-payment-terms.ts'
import { parsePlan } from './parse-plan.ts'
import { parsePrices } from './parse-prices.ts'
import { type Problem, SourceReader } from './source-reader.ts'

/** A catalogue that may be used, or everything that is wrong with it. */
export type ParsedCatalogue =
  | { readonly ok: true; readonly catalogue: Catalogue }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** Minutes that a payment may take to show, unless the catalogue says otherwise (S1). */
const PROCESSING_WINDOW_MINUTES = 15

/**
 * Reads a catalogue from its JSON shape (domain.md), with all problems at once, each with its path.
 *
 * Unknown properties are problems. `assumed` may stand anywhere and means nothing to us.
 */
export function parseCatalogue(source: unknown, revision: number): ParsedCatalogue {
  const problems: Problem[] = []
  const reader = new SourceReader(source, '', problems)
  reader.ignore('assumed')
  const catalogue: Catalogue = {
    revision,
    processingWindowMinutes: reader.bounded('processingWindowMinutes', 43_200, PROCESSING_WINDOW_MINUTES),
    trial: parseTrial(reader),
    meters: reader.map('meters', (value, path, key) => parseMeter(reader.object({ '': value }, path), key)),
    features: reader.map('features', (value, path) => parseFeature(reader.object(value, path))),
    plans: reader.map('plans', (value, path) => parsePlan(reader.object(value, path))),
    addOns: reader.map('addOns', (value, path) => parseAddOn(reader.object(value, path))),
    terms: parseTerms(reader),
    payments: reader.objects('payments', parsePaymentRule),
  }
  reader.close()
  problems.push(...checkReferences(catalogue))
  return problems.length === 0 ? { ok: true, catalogue } : { ok: false, problems }
}

function parseTerms(reader: SourceReader): Catalogue['terms'] {
  const terms = reader.objects('terms', parseTerm)
  for (const [index, { months }] of terms.entries()) {
    if (terms.findIndex((one) => one.months === months) < index)
      reader.fault(`terms[${index}].months`, `there is a term of ${months} months already`)
  }
  return terms.toSorted((a, b) => a.months - b.months)
}

function parseTrial(reader: SourceReader): Catalogue['trial'] {
  const trial = reader.object(reader.raw('trial'), 'trial')
  trial.ignore('assumed')
  const parsed = { plan: trial.text('plan'), days: trial.bounded('days', 3_660) }
  trial.close()
  return parsed
}

function parseAddOn(reader: SourceReader): AddOn {
  reader.ignore('assumed')
  const addOn = {
    feature: reader.text('feature'),
    perUnit: reader.amount('perUnit'),
    minMonths: reader.bounded('minMonths', 1_200, 0),
    prices: parsePrices(reader),
  }
  reader.close()
  return addOn
}
