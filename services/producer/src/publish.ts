import type { Ledger } from '@redis-streams-processor/service-kit'
import type { Published } from '@redis-streams-processor/streams-core'

/** Publishes an event, and writes into the ledger that it was tried, and the answer. */
export async function withLedger(
  ledger: Ledger,
  { id, type, subject }: { id: string; type: string; subject?: string | undefined },
  publish: () => Promise<Published>,
): Promise<Published> {
  ledger.write({ what: 'attempted', id, type, subject })
  try {
    const published = await publish()
    ledger.write({ what: 'published', id, entryId: published.entryId, duplicate: published.duplicate })
    return published
  } catch (error) {
    ledger.write({ what: 'refused', id, error: (error as Error).message })
    throw error
  }
}
