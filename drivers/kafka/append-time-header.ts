import type { KafkaMessage } from 'kafkajs'
import { APPEND_TIME_HEADER, type AppendTime, appendTimeOf } from '#core/usage/append-time.ts'

/** What a record's append time header says; null where it has none, several, or is not trusted. */
export function appendTimeHeaderOf(
  { headers }: Pick<KafkaMessage, 'headers'>,
  trusts: boolean,
): string | null {
  const header = trusts ? headers?.[APPEND_TIME_HEADER] : undefined
  return header === undefined || Array.isArray(header) ? null : header.toString()
}

/** When a record counts as appended; whoever judges it, or says later what it was judged by, asks here. */
export function appendTimeOfMessage(
  message: Pick<KafkaMessage, 'headers' | 'timestamp'>,
  trusts: boolean,
): AppendTime {
  return appendTimeOf(Number(message.timestamp), appendTimeHeaderOf(message, trusts))
}
