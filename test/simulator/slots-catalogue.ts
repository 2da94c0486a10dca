import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { defaultCatalogue } from '#test/helpers/facts.ts'

/** Two features, each over a meter that nobody but us uses: a level and a set of resources. */
export function catalogueOfSlots(): Catalogue {
  const catalogue = defaultCatalogue()
  const { leads, whatsapp_numbers: numbers } = catalogue.features
  const { leads: level, whatsapp_numbers: distinct } = catalogue.meters
  if (leads === undefined || numbers === undefined || level === undefined || distinct === undefined)
    throw new Error('the default catalogue has no leads or numbers')
  return {
    ...catalogue,
    meters: { ...catalogue.meters, slots: level, badges: distinct },
    features: {
      ...catalogue.features,
      leads: { ...leads, meters: ['slots'], graceHours: 0, onUnavailable: 'deny' },
      whatsapp_numbers: { ...numbers, meters: ['badges'], onUnavailable: 'deny' },
    },
  }
}
