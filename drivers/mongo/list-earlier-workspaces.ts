import type { Db } from 'mongodb'
import { WorkspaceList } from './workspace-list.ts'

/**
 * Lists every workspace that has a version of a subscription and was stored before there was a list.
 *
 * Reads the ids of all versions once; doing it again, or while versions are stored, changes nothing.
 */
export async function listEarlierWorkspaces(db: Db): Promise<void> {
  const list = new WorkspaceList(db)
  const listed = new Set(await list.all())
  const versions = db.collection<{ readonly _id: string }>('subscription_versions')
  for await (const { _id } of versions.find({}, { projection: { _id: 1 } })) {
    const workspace = _id.slice(0, _id.lastIndexOf('/'))
    if (listed.has(workspace)) continue
    listed.add(workspace)
    await list.add(workspace)
  }
}
