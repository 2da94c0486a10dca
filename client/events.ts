export type { SchemaIds } from './events/find-schema-ids.ts'
export type { RecordFields, RecordName } from './events/records.gen.ts'
export { type EmitterOptions, UnsentEventError, UsageEmitter } from './events/usage-emitter.ts'
export type { UsageEvent, UsageWish } from './events/usage-event.ts'
