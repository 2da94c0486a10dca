import { expect, test } from 'vitest'
import { checkCommand } from './check.ts'
import { driftCommand } from './drift.ts'
import { importCommand } from './import.ts'
import { produceCommand } from './produce.ts'
import { redriveCommand } from './redrive.ts'

const here = import.meta.dirname
const nowhere = `${here}/nowhere.jsonl`
const tooLong = `${here}/${'a'.repeat(300)}`
const question = { quantity: '', intent: 'add' }

test.for([
  ['import of no file', () => importCommand(nowhere, { source: 'crm' }), 'there is no file'],
  ['import of a folder', () => importCommand(here, { source: 'crm' }), 'is a folder'],
  [
    'import of what no name is so long',
    () => importCommand(tooLong, { source: 'crm' }),
    'cannot be read (ENAMETOOLONG)',
  ],
  ['produce of a folder', () => produceCommand('usage.events', here, {}), 'is a folder'],
  ['redrive of no code', () => redriveCommand({ code: 'toolate' }), 'there is no code "toolate"; known are'],
  ['drift of no workspace', () => driftCommand({ workspace: 'a b' }), '"a b" is not a workspace id'],
  ['check of no quantity', () => checkCommand('acme', 'leads', question), '--quantity must be'],
] as const)('a wrong word is refused before anything is asked or recorded: %s', async ([, run, why]) => {
  await expect(run()).rejects.toMatchObject({ message: expect.stringContaining(why), exitCode: 2 })
})
