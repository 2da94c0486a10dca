import { readFileSync, writeFileSync } from 'node:fs'
import { releaseNotes } from './release-notes.ts'
import { versionPlaces, withVersion } from './release-version.ts'

/**
 * `make release VERSION=1.2.3`: gives what stands under Unreleased its version and day, and everything that states the
 * version the new one. Commit and tag are the releaser's. Refuses where nothing stands there.
 */
const [version = ''] = process.argv.slice(2)
const changelog = new URL('../CHANGELOG.md', import.meta.url)
const day = new Date().toISOString().slice(0, 10)
const result = releaseNotes(readFileSync(changelog, 'utf8'), { version, day })
if (!result.ok) {
  process.stderr.write(`${result.reason}\n`)
  process.exit(2)
}
writeFileSync(changelog, result.changelog)
for (const place of versionPlaces) {
  const file = new URL(`../${place.path}`, import.meta.url)
  writeFileSync(file, withVersion(readFileSync(file, 'utf8'), place, version))
}
const places = versionPlaces.map(({ path }) => path).join(', ')
process.stdout.write(`${version} is in CHANGELOG.md, ${places}; commit and tag it\n`)
