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

  /** Starts this many worker processes, which begin to consume. */
  async startConsumers(count: number, args: ConsumeArgs): Promise<WorkerProcess[]> {
    const workers = await Promise.all(Array.from({ length: count }, () => this.start()))
    await Promise.all(workers.map((worker) => worker.consume(args)))
    return workers
  }

  /** What the server and the living workers have used so far. */
  async read(): Promise<Reading> {
    const living = this.#workers.filter(({ isRunning }) => isRunning)
    const usages = await Promise.all(living.map((worker) => worker.usage()))
    return { server: await this.server.usage(), clientCpuUs: usages.reduce((sum, { cpuUs }) => sum + cpuUs, 0) }
  }

  /**
   * Resolves once these consumers have acknowledged so many events, to when the last of them was.
   * @param published All that they were to handle since they began, if it is to be checked that they handled just that.
   */
  async untilAcknowledged(workers: readonly WorkerProcess[], count: number, published: Published[]): Promise<number> {
    const of = (key: 'acknowledged' | 'handled' | 'sum') =>
      workers.reduce((sum, { progress }) => sum + (progress?.[key] ?? 0), 0)
    await until(`${count} events are acknowledged`, () => of('acknowledged') >= count, { timeoutMs: TIMEOUT_MS })
    const expected = published.reduce((all, { sum }) => all + sum, 0)
    if (of('acknowledged') > count || of('handled') !== count || of('sum') !== expected)
      throw new Error(`events were lost, or handled twice: ${of('handled')} of ${count} were handled`)
    return Math.max(...workers.map(({ progress }) => progress?.lastAcknowledgedAt ?? 0))
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.kill()))
    await this.server.stop()
  }
}
