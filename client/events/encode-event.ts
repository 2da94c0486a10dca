import avro from 'avsc'
import { TallygateClientError } from '../client-error.ts'
import { type RecordName, schemas } from './records.gen.ts'
import type { UsageEvent } from './usage-event.ts'

/** Before the Avro body: a zero and four bytes of schema id (Confluent wire format). */
const PREFIX_BYTES = 5
/** Larger values are set aside by the consumers. */
const VALUE_BYTES_MAX = 524_288

/** Writes events of one record as bytes. */
export type Encode = (event: UsageEvent) => Buffer

/** An encoder under a schema id. Encoding throws `invalid_request`, naming the field that the schema does not allow. */
export function encoderOf(record: RecordName, schemaId: number): Encode {
  const type = avro.Type.forSchema(JSON.parse(schemas[record]), { wrapUnions: false })
  const names: ReadonlySet<string> = new Set(
    Reflect.get(type, 'fields').map(({ name }: { name: string }) => name),
  )
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeInt32BE(schemaId, 1)
  return ({ fields, record: _, ...envelope }) => {
    const value = { ...envelope, ...fields }
    const fault = faultOf(type, names, value)
    if (fault !== null) throw invalid(envelope, `${record}: ${fault}`)
    const bytes = Buffer.concat([prefix, type.toBuffer(value)])
    if (bytes.length > VALUE_BYTES_MAX)
      throw invalid(envelope, `${record}: ${bytes.length} bytes, ${VALUE_BYTES_MAX} at most`)
    return bytes
  }
}

function faultOf(type: avro.Type, names: ReadonlySet<string>, value: object): string | null {
  const unknown = Object.keys(value).find((name) => !names.has(name))
  if (unknown !== undefined) return `${unknown} is not a field of it`
  if (Object.values(value).includes('UNKNOWN')) return 'UNKNOWN is what readers make of newer symbols'
  const faults: string[] = []
  type.isValid(value, {
    errorHook: (path, found, expected) => {
      faults.push(`${path.join('.')} is ${JSON.stringify(found) ?? 'missing'}, not ${expected.toString()}`)
    },
  })
  return faults[0] ?? null
}

function invalid(
  { id, workspace }: Pick<UsageEvent, 'id' | 'workspace'>,
  message: string,
): TallygateClientError {
  return new TallygateClientError({ code: 'invalid_request', message, workspace, operation: id })
}
