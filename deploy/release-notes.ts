/** A changelog with a release in it, or why there is none. */
export type ReleaseNotes =
  | { readonly ok: true; readonly changelog: string }
  | { readonly ok: false; readonly reason: string }

/** Makes what stands under Unreleased the notes of a version; an empty section is no release. */
export function releaseNotes(
  changelog: string,
  { version, day }: { readonly version: string; readonly day: string },
): ReleaseNotes {
  const refuse = (reason: string): ReleaseNotes => ({ ok: false, reason })
  if (!/^\d+\.\d+\.\d+$/.test(version)) return refuse('say which version: make release VERSION=1.2.3')
  if (changelog.includes(`\n## ${version} `)) return refuse(`${version} is released already`)
  const [head, ...rest] = changelog.split(/^## Unreleased\n/m)
  if (head === undefined || rest.length !== 1) return refuse('CHANGELOG.md has no section Unreleased')
  const [notes = ''] = rest[0]?.split(/^## /m) ?? []
  if (!/^- /m.test(notes)) return refuse('nothing stands under Unreleased in CHANGELOG.md: say what changed')
  return { ok: true, changelog: `${head}## Unreleased\n\n## ${version} (${day})\n${rest[0]}` }
}
