import type { Instant } from '../instant.ts'
import type { OpenItem, OperationName } from './hold.ts'
import { formatReservation, itemEventId } from './reservation.ts'
import { OWN_SOURCE } from './usage-event.ts'

/** A `MeterEvent` that we produce ourselves for an item of an operation. */
export interface OwnUsage {
  readonly id: string
  readonly workspace: string
  readonly occurredAt: Instant
  readonly source: typeof OWN_SOURCE
  readonly reservation: string
  readonly meter: string
  readonly quantity: number
  readonly subject: string | null
  readonly action: 'add'
  /** As the events of others carry fields of their own. */
  readonly [field: string]: unknown
}

/** The event of an item: the same however often it is made, so that its copies count once. */
export function ownUsage({ workspace, operation }: OperationName, open: OpenItem): OwnUsage {
  const { item, meter, quantity, subject, occurredAt } = open
  return {
    id: itemEventId({ operation, item }),
    workspace,
    occurredAt,
    source: OWN_SOURCE,
    reservation: formatReservation({ operation, item }),
    meter,
    quantity,
    subject,
    action: 'add',
  }
}
