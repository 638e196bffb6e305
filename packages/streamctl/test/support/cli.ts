import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { ownChild, until } from '@redis-streams-processor/testbed'
import stringWidth from 'string-width'
import type { z } from 'zod'
import type { Lab } from '../../../streams-core/test/support/lab.ts'
import { type CommandName, data, envelope } from '../../src/data.ts'

const TSX = import.meta.resolve('tsx')
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** Starts the program, as bin/streamctl.js does. */
export const NODE: readonly string[] = [process.execPath, '--conditions=source', '--import', TSX, MAIN]

export interface Ran {
  code: number | NodeJS.Signals | null
  out: string[]
  err: string
}

export interface RunOptions {
  env?: Record<string, string>
  /** Given to standard input, which ends then. Default: no input. */
  input?: string
  /** Default: a folder without `.env`. */
  cwd?: string
}

/** The program at work. */
export class Streamctl {
  readonly child: ChildProcess
  #out = ''
  #err = ''
  readonly #closed: Promise<number | NodeJS.Signals | null>

  constructor(words: readonly string[], { env = {}, input, cwd = tmpdir() }: RunOptions = {}) {
    const [command = '', ...args] = NODE
    this.child = ownChild(
      spawn(command, [...args, ...words], {
        cwd,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
        stdio: 'pipe',
      }),
    )
    this.child.stdout?.on('data', (chunk) => {
      this.#out += chunk
    })
    this.child.stderr?.on('data', (chunk) => {
      this.#err += chunk
    })
    this.child.stdin?.on('error', () => {})
    this.child.stdin?.end(input ?? '')
    this.#closed = once(this.child, 'close').then(([code, signal]) => code ?? signal)
  }

  get out(): string[] {
    return this.#out.split('\n').filter((line) => line !== '')
  }

  get err(): string {
    return this.#err
  }

  async done(): Promise<Ran> {
    const code = await this.#closed
    return { code, out: this.out, err: this.#err }
  }

  /** Waits until its output is as wanted. */
  shows(what: string, wanted: (out: string, err: string) => boolean): Promise<true> {
    return until(`streamctl shows ${what}`, () => wanted(this.#out, this.#err), { timeoutMs: 30_000 })
  }
}

/** What is wrong with lines for people: too wide, or with signs that a terminal would obey. */
export const unfitOf = (lines: readonly string[]) =>
  lines.filter((line) => stringWidth(line) > 80 || /[\p{Cc}\u202e]/u.test(line))

/** The program for the stream of a test, as the user `operator`. */
export function cliOf(lab: Lab) {
  const env = { REDIS_URL: String(lab.as('operator')), STREAM: lab.streamName }
  const start = (words: readonly string[], options: RunOptions = {}) => {
    const running = new Streamctl(words, { ...options, env: { ...env, ...options.env } })
    lab.onClose(async () => {
      running.child.kill('SIGKILL')
    })
    return running
  }
  /** Runs it to its end. */
  const run = (words: readonly string[], options?: RunOptions) => start(words, options).done()
  return {
    start,
    run,
    /** The output of a command that must succeed: it fits 80 columns, and has nothing that a terminal would obey. */
    async lines(...words: string[]): Promise<string[]> {
      const ran = await run(words)
      if (ran.code !== 0) throw new Error(`${words.join(' ')} ended with ${ran.code}: ${ran.err}`)
      const unfit = unfitOf(ran.out)
      if (unfit.length > 0) throw new Error(`${words.join(' ')} shows ${JSON.stringify(unfit)}`)
      return ran.out
    },
    /** What a command that must succeed gives with --json, which must be as documented. */
    async json<C extends CommandName>(command: C, ...words: string[]): Promise<z.output<(typeof data)[C]>> {
      const { code, out, err } = await run([...command.split(' '), ...words, '--json'])
      if (code !== 0) throw new Error(`${command} ended with ${code}: ${err}${out.join('\n')}`)
      return dataIn(command, out[0] ?? '', lab.streamName)
    },
  }
}

/** The data in one line of output. */
export function dataIn<C extends CommandName>(command: C, line: string, stream: string): z.output<(typeof data)[C]> {
  const parsed = envelope.parse(JSON.parse(line))
  if (!parsed.ok) throw new Error(`${command}: ${parsed.error.message}`)
  if (parsed.command !== command || parsed.stream !== stream) throw new Error(`the line is of ${parsed.command}`)
  return data[command].parse(parsed.data) as z.output<(typeof data)[C]>
}
