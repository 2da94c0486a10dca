import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { releaseNotes } from './release-notes.ts'
import { versionIn, versionPlaces, withVersion } from './release-version.ts'

const release = { version: '1.2.0', day: '2026-12-01' }
const before = '# Changelog\n\n## Unreleased\n\n- A thing.\n\n## 1.1.0 (2026-11-01)\n\n- Another.\n'

test('release: what stands under Unreleased gets version and day, and Unreleased is empty again', () => {
  const changelog = before.replace('## Unreleased\n', '## Unreleased\n\n## 1.2.0 (2026-12-01)\n')
  expect(releaseNotes(before, release)).toEqual({ ok: true, changelog })
})

test.for([
  ['an empty section', before.replace('- A thing.\n', ''), release, /nothing stands under Unreleased/],
  ['no section', before.replace('Unreleased', 'Later'), release, /no section Unreleased/],
  ['no version', before, { ...release, version: '' }, /VERSION=1\.2\.3/],
  ['a version that was released', before, { ...release, version: '1.1.0' }, /released already/],
] as const)('release: %s is refused', ([, changelog, wanted, reason]) => {
  expect(releaseNotes(changelog, wanted)).toEqual({ ok: false, reason: expect.stringMatching(reason) })
})

test.for(versionPlaces)('release: $path states the version of the package, and takes the next', (place) => {
  const text = readFileSync(new URL(`../${place.path}`, import.meta.url), 'utf8')
  const { write = String } = place
  expect(versionIn(text, place)).toBe(write(manifest.version))
  const next = withVersion(text, place, '12.34.56')
  expect(versionIn(next, place)).toBe(write('12.34.56'))
  expect(next.replace(write('12.34.56'), write(manifest.version))).toBe(text)
})
