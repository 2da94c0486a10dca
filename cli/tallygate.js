#!/usr/bin/env node
// Runs the commands by Node 24: by the one that started it, or else by the one that this package brings along.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const packaged = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const compiled = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache(compiled)
  await import('./main.ts')
} else {
  if (!existsSync(packaged)) {
    process.stderr.write(`tallygate needs Node 24, this is ${process.version}; run make install first\n`)
    process.exit(3)
  }
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env }
  const { status } = spawnSync(packaged, [main, ...process.argv.slice(2)], { env, stdio: 'inherit' })
  process.exit(status ?? 3)
}
