import type { Instant } from '#core/instant.ts'
import type { Notice } from '#core/notices/notice.ts'
import type { NoticeSink } from '#core/ports.ts'
import type { GatheringProducer } from '#drivers/kafka/producer.ts'
import type { NoticeLog } from '#drivers/mongo/notice-log.ts'
import type { Encode } from '#schemas/encoder.ts'

interface SettleOptions {
  readonly producer: Pick<GatheringProducer, 'send'>
  readonly encode: Encode
  readonly log: Pick<NoticeLog, 'has' | 'add'>
  readonly now: () => Instant
  readonly onPublished: (notice: Notice) => void
}

/** Ids that one process remembers as settled; beyond that MongoDB is asked. */
const REMEMBERED_MAX = 100_000

/**
 * Publishes notices to `entitlement.notices` and logs each once all in-sync replicas have it.
 *
 * A crash between the two publishes it again under the same id: readers drop what they have seen by its id.
 */
export function settleNotices({ producer, encode, log, now, onPublished }: SettleOptions): NoticeSink {
  const settled = new Set<string>()
  const settle = async (notice: Notice): Promise<void> => {
    if (!(await log.has(notice.id))) {
      await producer.send({ topic: 'entitlement.notices', key: notice.workspace, value: encode(notice) })
      await log.add({ ...notice, publishedAt: now() })
      onPublished(notice)
    }
    if (settled.size >= REMEMBERED_MAX) settled.clear()
    settled.add(notice.id)
  }
  return {
    settle: async (notices) => {
      for (const notice of notices) if (!settled.has(notice.id)) await settle(notice)
    },
  }
}
