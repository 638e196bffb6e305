import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LEDGER_FAILED, type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import { GroupView, ownFolder, RedisServer, sendOnce, TcpProxy, Worker } from '@redis-streams-processor/testbed'

export const STREAM = { name: 'user_events' }

/** A Redis, a ledger folder and processes, for one run; everything ends with it. */
export class Arena {
  readonly redis: RedisServer
  /** Between the consumers of a drill and Redis; to be cut. */
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
    const worker = new Worker(program, {
      REDIS_URL: this.redis.url,
      LEDGER_DIR: this.ledgerFolder,
      HTTP_PORT: '0',
      ...env,
    })
    this.#workers.add(worker)
    return worker
  }

  /** What processes say of a ledger that has failed: the judge would miss what it did not record. */
  get failedLedgers(): string[] {
    const lines = [...this.#workers].flatMap((worker) => worker.lines)
    return lines.flatMap(({ msg = '' }) => (msg.startsWith(LEDGER_FAILED) ? [msg] : []))
  }

  ledger(): LedgerLine[] {
    return readLedger(this.ledgerFolder)
  }

  group(name: string): GroupView {
    return new GroupView(<T>(...command: string[]) => this.send<T>(...command), STREAM.name, name)
  }

  send<T = unknown>(...args: (string | Buffer)[]): Promise<T> {
    return sendOnce<T>(this.redis.url, args)
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) if (worker.isRunning) worker.kill('SIGKILL')
    await Promise.all([...this.#workers].map((worker) => worker.exited()))
    await this.proxy.stop()
    await this.redis.stop()
    rmSync(this.ledgerFolder, { recursive: true, force: true })
  }
}
