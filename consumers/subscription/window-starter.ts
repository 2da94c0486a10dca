import type { Catalogue } from '#core/catalogue/catalogue.ts'
import { meterAt } from '#core/catalogue/meter.ts'
import { APPEND_TIME_HEADER } from '#core/usage/append-time.ts'
import { OWN_SOURCE } from '#core/usage/usage-event.ts'
import type { GatheringProducer } from '#drivers/kafka/producer.ts'
import type { Encode } from '#schemas/encoder.ts'
import type { WindowStart } from './subscription-session.ts'

interface StarterOptions {
  readonly producer: Pick<GatheringProducer, 'send'>
  readonly encode: Encode
  readonly catalogue: () => Catalogue
}

/**
 * Writes a `WindowStartedEvent` for all flow meters there are by then: the split of the day is in the log, under an id that is the
 * same however often it is sent. It is judged late or not by when it counts as told of.
 */
export function windowStarter({
  producer,
  encode,
  catalogue,
}: StarterOptions): (start: WindowStart) => Promise<void> {
  return async ({ workspace, version, startsAt, appendedAt }) => {
    const known = catalogue()
    const flows = Object.values(known.features).filter(({ kind }) => kind === 'flow')
    // A meter that begins later splits no day, and would have the event refused.
    const meters = flows
      .flatMap((flow) => flow.meters)
      .filter((meter) => meterAt(known, meter, startsAt) !== null)
    const value = encode({
      id: `${workspace}~${version}~w`,
      workspace,
      occurredAt: startsAt,
      source: OWN_SOURCE,
      meters: [...new Set(meters)],
      startsAt,
    })
    const headers = { [APPEND_TIME_HEADER]: String(appendedAt) }
    await producer.send({ topic: 'usage.events', key: workspace, value, headers })
  }
}
