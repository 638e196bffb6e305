import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import { inspectStream, openDeadLetters, type StreamState } from '@redis-streams-processor/streams-core'
import { RedisServer, Worker } from '@redis-streams-processor/testbed'
import { createClient } from 'redis'

export const STREAM = { name: 'user_events' }

/** A Redis, a ledger folder and workers, for one run; everything ends with it. */
export class Arena {
  readonly redis: RedisServer
  readonly ledgerFolder = mkdtempSync(join(tmpdir(), 'redis-streams-ledger-'))
  readonly #workers = new Set<Worker>()

  private constructor(redis: RedisServer) {
    this.redis = redis
  }

  static async open(): Promise<Arena> {
    return new Arena(await RedisServer.start())
  }

  /** Starts a service that writes into the ledger. */
  start(service: 'consumer' | 'producer', env: Record<string, string> = {}): Worker {
    const worker = new Worker(service, { REDIS_URL: this.redis.url, LEDGER_DIR: this.ledgerFolder, ...env })
    this.#workers.add(worker)
    return worker
  }

  ledger(): LedgerLine[] {
    return readLedger(this.ledgerFolder)
  }

  inspect(): Promise<StreamState> {
    return inspectStream(STREAM, { redis: this.redis.url })
  }

  /** What Redis says a consumer holds. */
  async heldBy(group: string, consumer: string): Promise<string[]> {
    const client = createClient({ url: this.redis.url })
    client.on('error', () => {})
    await client.connect()
    const entries = await client.xPendingRange(STREAM.name, group, '-', '+', 10_000, { consumer })
    client.destroy()
    return entries.map(({ id }) => id)
  }

  async deadLetterIds(group: string): Promise<string[]> {
    const letters = openDeadLetters(STREAM, { redis: this.redis.url, group })
    const ids: string[] = []
    for await (const letter of letters.list()) ids.push(letter.eventId ?? letter.entryId)
    await letters.close()
    return ids
  }

  /** Resolves to true when `isQuiet`, or to false when the time is up. */
  async until(isThere: () => Promise<boolean>, timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs
    while (Date.now() < deadline) {
      if (await isThere()) return true
      await sleep(50)
    }
    return false
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) if (worker.isRunning) worker.kill('SIGKILL')
    await Promise.all([...this.#workers].map((worker) => worker.exited()))
    await this.redis.stop()
    rmSync(this.ledgerFolder, { recursive: true, force: true })
  }
}

/** Entries that somebody still has to handle, over all groups. */
export function openWork({ groups }: StreamState): number {
  return groups.reduce((sum, group) => sum + group.lag + group.pending + group.waitingForRetry, 0)
}
