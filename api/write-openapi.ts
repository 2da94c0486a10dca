import { writeFileSync } from 'node:fs'
import { contractText } from './contract.ts'

writeFileSync(new URL('../docs/openapi.json', import.meta.url), await contractText())
