import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { ownChild } from './children.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const TSX = import.meta.resolve('tsx')
const SERVICES = {
  consumer: `${ROOT}services/consumer/src/main.ts`,
  producer: `${ROOT}services/producer/src/main.ts`,
  console: `${ROOT}services/console/src/main.ts`,
}

export type LogLine = Record<string, unknown> & { msg?: string }

export interface WorkerOptions {
  /** Where it looks for `.env`. Default: where there is none. */
  cwd?: string
  /** Where its output goes. Default: it is read. */
  stdout?: OutputTarget
  stderr?: OutputTarget
  /** How much a file that it writes may hold, in blocks of 512 bytes: more fails, as on a full disk. Default: no limit. */
  maxFileBlocks?: number
}

/** A pipe that is read, one that nobody reads, one whose reader is gone, or a file. */
type OutputTarget = 'read' | 'unread' | 'closed' | { file: string }

/** One service as a real process: given an environment, read by its log lines. */
export class Worker {
  readonly #process: ChildProcess
  readonly #lines: LogLine[] = []
  readonly #exited: Promise<number | NodeJS.Signals>
  /** Like `#exited`, but after the last line: output may still arrive after the exit. */
  readonly #closed: Promise<number | NodeJS.Signals>
  #listeners: ((line: LogLine) => void)[] = []

  /** @param program A service of this repository, or the path of a module to run. */
  constructor(
    program: keyof typeof SERVICES | (string & {}),
    env: Record<string, string>,
    { cwd = tmpdir(), stdout = 'read', stderr = 'read', maxFileBlocks }: WorkerOptions = {},
  ) {
    const file = SERVICES[program as keyof typeof SERVICES] ?? program
    const outputs = [stdout, stderr].map((target) => (typeof target === 'object' ? openSync(target.file, 'a') : 'pipe'))
    const node = [process.execPath, '--conditions=source', '--import', TSX, file]
    const limited = ['sh', '-c', `ulimit -f ${maxFileBlocks} && exec "$@"`, 'sh', ...node]
    const [command, ...args] = (maxFileBlocks === undefined ? node : limited) as [string, ...string[]]
    this.#process = ownChild(
      spawn(command, args, {
        cwd,
        // What the caller has set for itself must not reach the worker by accident.
        // Many workers share this machine: each takes a free port.
        env: { PATH: process.env.PATH, HOME: process.env.HOME, OPS_PORT: '0', ...env },
        stdio: ['ignore', ...outputs],
        detached: true,
      }),
    )
    for (const output of outputs) if (typeof output === 'number') closeSync(output)
    this.#exited = once(this.#process, 'exit').then(([code, signal]) => code ?? signal)
    this.#closed = once(this.#process, 'close').then(([code, signal]) => code ?? signal)
    this.#watch(this.#process.stdout, stdout)
    this.#watch(this.#process.stderr, stderr)
  }

  get lines(): readonly LogLine[] {
    return this.#lines
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Calls back for every line to come. */
  onLine(listener: (line: LogLine) => void): void {
    this.#listeners.push(listener)
  }

  /** Resolves to the first line, past or to come, that is as wanted. @throws when the process ends without it. */
  waitFor(wanted: (line: LogLine) => boolean): Promise<LogLine> {
    const past = this.#lines.find(wanted)
    if (past) return Promise.resolve(past)
    return new Promise((resolve, reject) => {
      this.onLine((line) => wanted(line) && resolve(line))
      this.#closed.then((how) => reject(new Error(`the process ended (${how}):\n${this.tail()}`)))
    })
  }

  /** Where a service answers /livez, /readyz and /metrics. */
  async opsPort(): Promise<number> {
    return Number((await this.waitFor(({ msg }) => msg === 'listening for operations')).port)
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Exit code, or the signal that ended it. */
  exited(): Promise<number | NodeJS.Signals> {
    return this.#exited
  }

  /** As `exited`, but once every line is read, too. */
  closed(): Promise<number | NodeJS.Signals> {
    return this.#closed
  }

  /** SIGTERM, and wait. */
  async stop(): Promise<number | NodeJS.Signals> {
    if (this.isRunning) this.kill('SIGTERM')
    return this.#exited
  }

  tail(lines = 20): string {
    return this.#lines
      .slice(-lines)
      .map((line) => JSON.stringify(line))
      .join('\n')
  }

  #watch(stream: Readable | null, target: OutputTarget): void {
    if (stream && target === 'read') createInterface({ input: stream }).on('line', (text) => this.#take(text))
    if (target === 'closed') stream?.destroy()
  }

  #take(text: string): void {
    const line = parse(text)
    this.#lines.push(line)
    for (const listener of this.#listeners) listener(line)
  }
}

function parse(text: string): LogLine {
  try {
    const json = JSON.parse(text)
    return typeof json === 'object' && json !== null ? json : { msg: text }
  } catch {
    return { msg: text }
  }
}
