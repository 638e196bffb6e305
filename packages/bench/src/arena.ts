import { until } from '@redis-streams-processor/testbed'
import { type ContestantName, entrantOf } from './contestants/index.ts'
import type { ConsumeArgs, Published } from './protocol.ts'
import { type Server, type ServerUsage, startServer } from './servers/index.ts'
import { WorkerProcess } from './worker-process.ts'

/** Generous: a measurement that takes longer is broken. */
const TIMEOUT_MS = 300_000

export interface Reading {
  server: ServerUsage | undefined
  clientCpuUs: number
}

/** One contestant for one measurement: a server and worker processes that nobody else uses. */
export class Arena {
  readonly contestant: ContestantName
  readonly server: Server
  readonly #program: string
  readonly #workers: WorkerProcess[] = []

  private constructor(contestant: ContestantName, server: Server, program: string) {
    this.contestant = contestant
    this.server = server
    this.#program = program
  }

  static async open(contestant: ContestantName, program: string): Promise<Arena> {
    return new Arena(contestant, await startServer[entrantOf(contestant).server](), program)
  }

  async start(): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start(this.#program, [this.contestant, this.server.url])
    this.#workers.push(worker)
    return worker
  }

  /** Starts this many worker processes, which begin to consume; the first one creates what the server lacks. */
  async startConsumers(count: number, args: ConsumeArgs): Promise<WorkerProcess[]> {
    const first = await this.startConsumer(args)
    return [first, ...(await Promise.all(Array.from({ length: count - 1 }, () => this.startConsumer(args))))]
  }

  async startConsumer(args: ConsumeArgs): Promise<WorkerProcess> {
    const worker = await this.start()
    await worker.consume(args)
    return worker
  }

  /** What the server and the living workers have used so far. */
  async read(): Promise<Reading> {
    const living = this.#workers.filter(({ isRunning }) => isRunning)
    const usages = await Promise.all(living.map((worker) => worker.usage()))
    return { server: await this.server.usage(), clientCpuUs: usages.reduce((sum, { cpuUs }) => sum + cpuUs, 0) }
  }

  /** @throws after some minutes. */
  async until(what: string, isTrue: () => boolean): Promise<void> {
    await until(what, isTrue, { timeoutMs: TIMEOUT_MS })
  }

  /** What these consumers have told so far, added up. */
  total(workers: readonly WorkerProcess[], of: 'acknowledged' | 'handled' | 'sum'): number {
    return workers.reduce((sum, { progress }) => sum + (progress?.[of] ?? 0), 0)
  }

  lastAcknowledgedAt(workers: readonly WorkerProcess[]): number {
    return Math.max(...workers.map(({ progress }) => progress?.lastAcknowledgedAt ?? 0))
  }

  /**
   * Resolves once these consumers have acknowledged so many events, to when the last of them was.
   * @param published All that they were to handle since they began.
   * @throws when they have handled anything else.
   */
  async untilAcknowledged(workers: readonly WorkerProcess[], count: number, published: Published[]): Promise<number> {
    await this.until(`${count} events are acknowledged`, () => this.total(workers, 'acknowledged') >= count)
    const expected = published.reduce((all, { sum }) => all + sum, 0)
    const handled = this.total(workers, 'handled')
    if (handled !== count || this.total(workers, 'sum') !== expected)
      throw new Error(`events were lost, or handled twice: of ${count}, ${handled} were handled`)
    return this.lastAcknowledgedAt(workers)
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()))
    await this.server.stop()
  }
}
