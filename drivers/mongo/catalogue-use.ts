import type { CatalogueUse } from '#core/catalogue/compare-catalogues.ts'
import type { FactsSource } from './facts-source.ts'
import type { WorkspaceList } from './workspace-list.ts'

const PAGE = 200
const AT_ONCE = 16

/** Every plan, add-on and feature that a stored version or override of some workspaces ever named: history needs them, too. */
export async function readCatalogueUse(
  workspaces: Pick<WorkspaceList, 'after'>,
  source: FactsSource,
): Promise<CatalogueUse> {
  const use = { plans: new Set<string>(), addOns: new Set<string>(), features: new Set<string>() }
  for (let after = ''; ; ) {
    const page = await workspaces.after(after, PAGE)
    for (let from = 0; from < page.length; from += AT_ONCE) {
      const slice = page.slice(from, from + AT_ONCE)
      await Promise.all(slice.map(async (workspace) => note(use, await source.read(workspace))))
    }
    after = page.at(-1) ?? ''
    if (page.length < PAGE) return use
  }
}

function note(
  use: { plans: Set<string>; addOns: Set<string>; features: Set<string> },
  { versions, overrides }: Awaited<ReturnType<FactsSource['read']>>,
): void {
  for (const { subscription } of versions) {
    use.plans.add(subscription.plan)
    for (const { key } of subscription.addOns) use.addOns.add(key)
  }
  for (const { feature } of overrides) use.features.add(feature)
}
