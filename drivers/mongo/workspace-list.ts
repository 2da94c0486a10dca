import type { Collection, Db } from 'mongodb'
import { isDuplicateKey } from './append-log.ts'

/** How many workspaces are read at once when all are wanted. */
const PAGE = 1_000

/** Every workspace that billing has named, in the order of their ids. */
export class WorkspaceList {
  readonly #collection: Collection<{ readonly _id: string }>

  constructor(db: Db) {
    this.#collection = db.collection('workspaces')
  }

  /** Adds a workspace; doing it again changes nothing. */
  async add(workspace: string): Promise<void> {
    await this.#collection.insertOne({ _id: workspace }).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error
    })
  }

  /** Every workspace, page by page. */
  async all(): Promise<readonly string[]> {
    const all: string[] = []
    for (;;) {
      const page = await this.after(all.at(-1) ?? '', PAGE)
      all.push(...page)
      if (page.length < PAGE) return all
    }
  }

  /** At most `limit` workspaces after one; '' begins at the first. */
  async after(workspace: string, limit: number): Promise<readonly string[]> {
    const found = await this.#collection
      .find({ _id: { $gt: workspace } })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray()
    return found.map(({ _id }) => _id)
  }
}
