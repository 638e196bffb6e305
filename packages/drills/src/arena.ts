import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import {
  type DeadLetter,
  inspectStream,
  openDeadLetters,
  type StreamState,
} from '@redis-streams-processor/streams-core'
import { ownFolder, RedisServer, TcpProxy, Worker } from '@redis-streams-processor/testbed'
import { createClient } from 'redis'

export const STREAM = { name: 'user_events' }

/** A Redis, a ledger folder and workers, for one run; everything ends with it. */
export class Arena {
  readonly redis: RedisServer
  /** Between the workers of a drill and Redis; to be cut. */
  readonly proxy: TcpProxy
  readonly ledgerFolder = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-ledger-')))
  readonly #workers = new Set<Worker>()

  private constructor(redis: RedisServer, proxy: TcpProxy) {
    this.redis = redis
    this.proxy = proxy
  }

  /** @param serverOptions Further options of the Redis server. */
  static async open(serverOptions: readonly string[] = []): Promise<Arena> {
    const redis = await RedisServer.start(serverOptions)
    return new Arena(redis, await TcpProxy.start(redis.port))
  }

  /** Starts a service, or another program, that writes into the ledger. */
  start(program: string, env: Record<string, string> = {}): Worker {
    const worker = new Worker(program, { REDIS_URL: this.redis.url, LEDGER_DIR: this.ledgerFolder, ...env })
    this.#workers.add(worker)
    return worker
  }

  ledger(): LedgerLine[] {
    return readLedger(this.ledgerFolder)
  }

  inspect(): Promise<StreamState> {
    return inspectStream(STREAM, { redis: this.redis.url })
  }

  /** A raw command, as a foreign client would send it, on a connection of its own. */
  async send<T = unknown>(...args: (string | Buffer)[]): Promise<T> {
    const client = createClient({ url: this.redis.url, RESP: 2, socket: { reconnectStrategy: false } })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand<T>(args)
    } finally {
      if (client.isOpen) client.destroy()
    }
  }

  /** The entries that Redis says a consumer holds, alone or among others. */
  async heldBy(group: string, consumer: string): Promise<string[]> {
    const pending = await this.send<[id: string, owner: string][]>('XPENDING', STREAM.name, group, '-', '+', '100000')
    const isOf = (owner: string) => owner === consumer || owner.startsWith(`${consumer}~`)
    return pending.flatMap(([id, owner]) => (isOf(owner) ? [id] : []))
  }

  async deadLetters(group: string): Promise<DeadLetter[]> {
    const letters = openDeadLetters(STREAM, { redis: this.redis.url, group })
    const found: DeadLetter[] = []
    for await (const letter of letters.list()) found.push(letter)
    await letters.close()
    return found
  }

  async deadLetterIds(group: string): Promise<string[]> {
    return (await this.deadLetters(group)).map((letter) => letter.eventId ?? letter.entryId)
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
    await this.proxy.stop()
    await this.redis.stop()
    rmSync(this.ledgerFolder, { recursive: true, force: true })
  }
}

/** Entries that somebody still has to handle, over all groups. */
export function openWork({ groups }: StreamState): number {
  return groups.reduce((sum, group) => sum + group.lag + group.pending + group.waitingForRetry, 0)
}
