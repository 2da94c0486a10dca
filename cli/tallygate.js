#!/usr/bin/env node
// Runs the commands by the Node 24 that this package brings along, whatever node started it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('./main.ts', import.meta.url))
const packaged = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
const isNew = Number(process.versions.node.split('.')[0]) >= 24
const node = !isNew && existsSync(packaged) ? packaged : process.execPath

if (!isNew && node === process.execPath) {
  process.stderr.write(`tallygate needs Node 24, this is ${process.version}; run make install first\n`)
  process.exit(3)
}
const compiled = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))
const env = { NODE_COMPILE_CACHE: compiled, ...process.env }
const { status } = spawnSync(node, [main, ...process.argv.slice(2)], { env, stdio: 'inherit' })
process.exit(status ?? 3)
