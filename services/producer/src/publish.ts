import type { UserEvents } from '@redis-streams-processor/events'
import type { Ledger } from '@redis-streams-processor/service-kit'
import type { Producer, Published } from '@redis-streams-processor/streams-core'
import type { Webhook } from './simulator.ts'

/** Publishes one webhook, and writes into the ledger that it was tried, and the answer. */
export async function publishWebhook(
  producer: Producer<UserEvents>,
  ledger: Ledger,
  { id, type, subject, data }: Webhook,
): Promise<Published> {
  ledger.write({ what: 'attempted', id, type, subject })
  try {
    const published = await producer.publish(type, data, { id, subject })
    ledger.write({ what: 'published', id, entryId: published.entryId, duplicate: published.duplicate })
    return published
  } catch (error) {
    ledger.write({ what: 'refused', id, error: (error as Error).message })
    throw error
  }
}
