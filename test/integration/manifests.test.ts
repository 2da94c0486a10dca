import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '#deploy/local/run-command.ts'
import { pythonWith } from '#test/helpers/python.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'deploy', 'kubernetes')
/** What no schema of Kubernetes itself describes. */
const foreign = 'kustomization.yaml'

test('every manifest is one by the schemas of Kubernetes, with no field that it does not know', async (context) => {
  const found = await pythonWith('kubernetes-validate', join(root, 'test/manifests/requirements.txt'))
  if ('missing' in found) return context.skip(found.missing)
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && name !== foreign)
  expect(files.length).toBeGreaterThan(3)
  const options = ['--strict', '--kubernetes-version', '1.37', ...files.map((name) => join(folder, name))]
  const printed = await runCommand(found.python, ['-m', 'kubernetes_validate', ...options])
  for (const name of files) expect(printed).toMatch(new RegExp(`${name}.*(passed|valid)`, 'i'))
}, 120_000)
