import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ownChild, ownFolder } from './children.ts'
import { findServerProgram, NoServerError, type ServerProgram } from './find-server.ts'
import { sendOnce } from './send-once.ts'
import { until } from './until.ts'

const run = promisify(execFile)
const START_TIMEOUT_MS = 15_000
const GIVEN_TIMEOUT_MS = 5_000

/**
 * A real Redis on loopback, on a free port, append-only, in a temporary folder; it can be broken and started again.
 * With `REDIS_URL` set, `startRedis` hands out that one instead, which nobody may break.
 */
export class RedisServer {
  readonly port: number
  readonly #program: ServerProgram
  readonly #options: readonly string[]
  readonly #folder = ownFolder(mkdtempSync(join(tmpdir(), 'redis-streams-processor-')))
  #process: ChildProcess | undefined

  readonly #env: Readonly<Record<string, string>>

  private constructor(
    program: ServerProgram,
    port: number,
    options: readonly string[],
    env: Readonly<Record<string, string>>,
  ) {
    this.#program = program
    this.port = port
    this.#options = options
    this.#env = env
  }

  /**
   * @param options Further server options, e.g. `['--maxmemory', '20mb']`.
   * @param env Further environment of the server.
   */
  static async start(options: readonly string[] = [], env: Record<string, string> = {}): Promise<RedisServer> {
    const server = new RedisServer(await findServerProgram(), await freePort(), options, env)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /**
   * Starts it, again with the data it had; resolves when it answers.
   * @throws {NoServerError} when it does not.
   */
  async start(): Promise<void> {
    const child = ownChild(this.#spawn())
    this.#process = child
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000)
    })
    const ended = new AbortController()
    child.once('error', (error) => ended.abort(error))
    child.once('exit', () => ended.abort(new Error('it ended')))
    const waiting = { timeoutMs: START_TIMEOUT_MS, signal: ended.signal }
    await until('the Redis server answers', () => answers(this.url), waiting).catch((error) => {
      child.kill('SIGKILL')
      throw new NoServerError(
        `${child.spawnfile} is no Redis server that can be started: ${error.message}\n${output}`.trim(),
      )
    })
  }

  /** SIGKILL: what it has not written to disk is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM, and start again. */
  async restart(): Promise<void> {
    await this.#end('SIGTERM')
    await this.start()
  }

  /** Half-open: sockets stay, nothing answers. */
  async freeze(): Promise<void> {
    await this.#signal('SIGSTOP')
  }

  async thaw(): Promise<void> {
    await this.#signal('SIGCONT')
  }

  /** Ends it and removes its folder. Idempotent. */
  async stop(): Promise<void> {
    if (this.#process) await this.thaw()
    await this.#end('SIGTERM')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #container(): string {
    return `redis-streams-processor-${this.port}`
  }

  #spawn(): ChildProcess {
    const common = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec', ...this.#options]
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore']
    // A process group of its own, or the terminal's Ctrl-C would end Redis before those that still have to write to it.
    const detached = true
    if (this.#program.kind === 'docker') {
      const { image } = this.#program
      const publish = ['-p', `127.0.0.1:${this.port}:6379`, '-v', `${this.#folder}:/data`]
      return spawn('docker', ['run', '--rm', '--name', this.#container, ...publish, image, 'redis-server', ...common], {
        stdio,
        detached,
      })
    }
    const { path, env } = this.#program
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder]
    return spawn(path, [...where, ...common], { stdio, detached, env: { ...process.env, ...env, ...this.#env } })
  }

  async #signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#program.kind === 'docker') await run('docker', ['kill', '-s', signal, this.#container]).catch(() => {})
    else this.#process?.kill(signal)
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    await this.#signal(signal)
    // While Redis writes its first append-only file, it refuses to end, and forgets that it was asked to.
    const again = setInterval(() => this.#signal(signal).catch(() => {}), 500)
    await exited
    clearInterval(again)
  }
}

/** Whether a Redis is there. @throws why there is none. */
async function answers(url: string): Promise<boolean> {
  return sendOnce(url, ['PING']).then(
    () => true,
    (error: Error) => {
      // A server that asks for a password is up.
      if (error.message.startsWith('NOAUTH')) return true
      throw error
    },
  )
}

/**
 * The Redis of `REDIS_URL`, or one of our own.
 * @param options Further options of our own one.
 * @throws {NoServerError} when it does not answer.
 */
export async function startRedis(options: readonly string[] = []): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env.REDIS_URL
  if (given) {
    await until('Redis answers at REDIS_URL', () => answers(given), { timeoutMs: GIVEN_TIMEOUT_MS }).catch((error) => {
      throw new NoServerError(`${error.message}. Without REDIS_URL, a Redis of its own is started`)
    })
    return { url: given, stop: async () => {} }
  }
  const server = await RedisServer.start(options)
  return { url: server.url, stop: () => server.stop() }
}

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
