import { writeFileSync } from 'node:fs'
import { clientRecordsText } from './client-records.ts'

writeFileSync(new URL('../client/events/records.gen.ts', import.meta.url), clientRecordsText())
