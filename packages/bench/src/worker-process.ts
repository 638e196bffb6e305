import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { ownChild } from '@redis-streams-processor/testbed'
import type {
  ConsumeArgs,
  Message,
  Progress,
  PublishArgs,
  Published,
  Request,
  SendArgs,
  Sent,
  ServeArgs,
  Usage,
} from './protocol.ts'

/** One worker process, as the bench sees it. One call at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess
  #answer: { resolve: (answer: unknown) => void; reject: (error: Error) => void } | undefined
  #output = ''
  /** How its contestant is set, for people. */
  settings = ''
  progress: Progress | undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.on('data', (chunk) => {
      this.#output = (this.#output + chunk).slice(-4_000)
    })
    child.on('message', (message) => this.#take(message as Message))
    child.once('exit', (code, signal) => {
      this.#answer?.reject(new Error(`a worker process ended (${code ?? signal}):\n${this.#output}`))
    })
  }

  /** @param program What `buildWorker` returned. */
  static async start(program: string, args: readonly string[]): Promise<WorkerProcess> {
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const
    const child = ownChild(fork(program, args, { execArgv: [], stdio: [...stdio], detached: true }))
    const worker = new WorkerProcess(child)
    worker.settings = (await worker.#answered()) as string
    return worker
  }

  async consume(args: ConsumeArgs): Promise<void> {
    this.progress = undefined
    await this.#call({ name: 'consume', args: [args] })
  }

  publish(args: PublishArgs): Promise<Published> {
    return this.#call({ name: 'publish', args: [args] }) as Promise<Published>
  }

  serve(args: ServeArgs): Promise<string> {
    return this.#call({ name: 'serve', args: [args] }) as Promise<string>
  }

  sendWebhooks(args: SendArgs): Promise<Sent> {
    return this.#call({ name: 'sendWebhooks', args: [args] }) as Promise<Sent>
  }

  usage(): Promise<Usage> {
    return this.#call({ name: 'usage', args: [] }) as Promise<Usage>
  }

  latencies(): Promise<number[]> {
    return this.#call({ name: 'latencies', args: [] }) as Promise<number[]>
  }

  async stopConsuming(): Promise<void> {
    await this.#call({ name: 'stop', args: [] })
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** SIGKILL; resolves once it is dead. */
  async kill(): Promise<void> {
    if (!this.isRunning) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async #call(request: Request): Promise<unknown> {
    const answered = this.#answered()
    this.#child.send(request)
    return answered
  }

  #answered(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject }
    })
  }

  #take(message: Message): void {
    if ('progress' in message) {
      this.progress = message.progress
      return
    }
    const answer = this.#answer
    this.#answer = undefined
    if ('error' in message) answer?.reject(new Error(message.error))
    else answer?.resolve(message.answer)
  }
}
