import type { Collection, Db } from 'mongodb'
import { isDuplicateKey } from './append-log.ts'

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
