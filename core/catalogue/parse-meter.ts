import { HELD_PREFIX, RESERVED_FIELDS } from '../usage/counter-fields.ts'
import { aggregations, type MeterDefinition } from './meter.ts'
import type { SourceReader } from './source-reader.ts'

/** A meter's definitions, oldest first; `holder` has them under the name ''. */
export function parseMeter(holder: SourceReader, key: string): readonly MeterDefinition[] {
  const definitions = holder.objects('', parseDefinition)
  if (definitions.length === 0) holder.fault('', 'a meter needs at least one definition')
  if (key === HELD_PREFIX)
    holder.fault('', `a meter cannot be called ${key}: what is held of each meter begins so`)
  if (definitions[0]?.aggregation === 'level' && RESERVED_FIELDS.includes(key)) {
    const names = RESERVED_FIELDS.join(' or ')
    holder.fault(
      '',
      `a level meter cannot be called ${names}: such a counter of ours stands beside its level`,
    )
  }
  definitions.forEach((definition, index) => {
    const previous = definitions[index - 1]
    if (previous === undefined) return
    if (previous.from >= definition.from) holder.fault(`[${index}].from`, 'must be later than the one before')
    if (previous.aggregation !== definition.aggregation) {
      holder.fault(`[${index}].aggregation`, 'cannot change; add a new meter instead')
    }
  })
  return definitions
}

function parseDefinition(reader: SourceReader): MeterDefinition {
  reader.ignore('assumed')
  const aggregation = reader.word('aggregation', aggregations)
  const field = reader.text('field', 'optional')
  const quantity = reader.text('quantity', 'optional')
  const definition: MeterDefinition = {
    from: reader.instant('from'),
    record: reader.text('record'),
    aggregation,
    ...(field === '' ? {} : { field }),
    ...(quantity === '' ? {} : { quantity }),
    ...(reader.has('when') ? { when: parseWhen(reader) } : {}),
    ...(aggregation === 'level' && reader.has('sign') ? { sign: parseSign(reader) } : {}),
    ...(aggregation === 'sum' && reader.has('weights') ? { weights: reader.amounts('weights') } : {}),
    ...(aggregation === 'distinct' ? parseMembership(reader) : {}),
  }
  if (aggregation === 'level' && field !== '' && definition.sign === undefined) {
    reader.fault('sign', `is needed to say what each value of ${field} counts as`)
  }
  return definition
}

function parseWhen(reader: SourceReader): Record<string, readonly string[]> {
  return reader.map('when', (value, path) => {
    const holder = reader.object({ values: value }, path)
    return holder.texts('values')
  })
}

function parseSign(reader: SourceReader): Record<string, 1 | -1> {
  return reader.map('sign', (value, path): 1 | -1 => {
    if (value === 1 || value === -1) return value
    reader.object({}, '').fault(path, 'must be 1 or -1')
    return 1
  })
}

function parseMembership(reader: SourceReader): Pick<MeterDefinition, 'subject' | 'join' | 'leave'> {
  return {
    subject: reader.text('subject', 'optional') || 'subject',
    join: reader.texts('join', []),
    leave: reader.texts('leave', []),
  }
}
