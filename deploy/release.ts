import { readFileSync, writeFileSync } from 'node:fs'
import { releaseNotes } from './release-notes.ts'

/**
 * `make release VERSION=1.2.3`: gives what stands under Unreleased its version and day, and the package its version. Commit
 * and tag are the releaser's. Refuses where nothing stands there.
 */
const [version = ''] = process.argv.slice(2)
const changelog = new URL('../CHANGELOG.md', import.meta.url)
const manifests = ['../package.json', '../client/package.json'].map((path) => new URL(path, import.meta.url))
const day = new Date().toISOString().slice(0, 10)
const result = releaseNotes(readFileSync(changelog, 'utf8'), { version, day })
if (!result.ok) {
  process.stderr.write(`${result.reason}\n`)
  process.exit(2)
}
writeFileSync(changelog, result.changelog)
for (const manifest of manifests) {
  const text = readFileSync(manifest, 'utf8').replace(/("version": ")[^"]+"/, `$1${version}"`)
  writeFileSync(manifest, text)
}
process.stdout.write(`${version} is in CHANGELOG.md and both package.json; commit and tag it\n`)
