/** A file that states the version of the product, and where in it: the version is the group. */
interface Place {
  readonly path: string
  readonly pattern: RegExp
  /** How the place writes 1.2.3. */
  readonly write?: (version: string) => string
}

/** Everything that a release must not leave on the version before it. */
export const versionPlaces: readonly Place[] = [
  { path: 'package.json', pattern: /(?<="version": ")([^"]+)/ },
  { path: 'client/package.json', pattern: /(?<="version": ")([^"]+)/ },
  { path: 'deploy/kubernetes/kustomization.yaml', pattern: /(?<=newTag: )(\S+)/ },
  {
    path: 'deploy/kubernetes/setup.yaml',
    pattern: /(?<=name: tallygate-setup-)([\w-]+)/,
    write: (version) => version.replaceAll('.', '-'),
  },
]

/** What a place says now; null where it says nothing. */
export function versionIn(text: string, { pattern }: Place): string | null {
  return pattern.exec(text)?.[1] ?? null
}

/** A place's text with another version in it. */
export function withVersion(text: string, { pattern, write }: Place, version: string): string {
  return text.replace(pattern, write?.(version) ?? version)
}
