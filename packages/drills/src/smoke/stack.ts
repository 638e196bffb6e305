import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newStandardSecret } from '@redis-streams-processor/events'
import { type LedgerLine, readLedger } from '@redis-streams-processor/service-kit'
import { freePort, GroupView, type Send, until } from '@redis-streams-processor/testbed'
import { ContainerWatch } from './container-watch.ts'
import { shell } from './shell.ts'

export const STREAM = 'user_events'
export const GROUP = 'user_group'
export const LEASE_MS = 5_000

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const FILES = ['docker-compose.yml', 'packages/drills/compose.smoke.yml']
const COMMAND_MS = 120_000
const BUILD_MS = 900_000
// What docker needs; what the caller has set for a stack of theirs must not reach this one.
const FOR_DOCKER =
  /^(PATH|HOME|USER|TMPDIR|SSH_AUTH_SOCK|(XDG|DOCKER|BUILDX|BUILDKIT)_.*|(http|https|no|all)_proxy|SystemRoot)$/i

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => FOR_DOCKER.test(name)))
}

export interface Container {
  id: string
  state: { Running: boolean; Paused: boolean; Pid: number; StartedAt: string; Health?: { Status: string } }
  restarts: number
  image: string
  networks: string[]
}

/** The product in Compose, in a project of its own, with a ledger on this machine. Everything ends with `remove`. */
export class Stack {
  /** Where webhooks come in: the port of this machine that Compose publishes. */
  readonly port: number
  /** Where the page of operators is: another one. */
  readonly consolePort: number
  readonly webhookSecret = newStandardSecret()
  readonly ledgerFolder = mkdtempSync(join(tmpdir(), 'redis-streams-smoke-'))
  /** Redis cannot be reached from outside its network: it is asked in its container, by the user `operator`. */
  readonly group: GroupView
  readonly watch: ContainerWatch
  readonly #project = `redis-streams-smoke-${process.pid}`
  readonly #options: { cwd: string; env: NodeJS.ProcessEnv }
  readonly #signal: AbortSignal

  private constructor(settings: Record<string, string>, ports: [http: number, console: number], signal: AbortSignal) {
    const [port, consolePort] = ports
    this.port = port
    this.consolePort = consolePort
    // The containers write as a user of their own.
    chmodSync(this.ledgerFolder, 0o777)
    const webhooks = { HTTP_PORT: String(port), WEBHOOK_STANDARD_SECRET: this.webhookSecret }
    const fixed = { STREAM, GROUP, LEDGER_FOLDER: this.ledgerFolder, CONSOLE_PORT: String(consolePort) }
    const env = { ...environment(), ...settings, ...webhooks, ...fixed }
    this.#options = { cwd: ROOT, env }
    this.#signal = signal
    const cli = ['exec', '-T', 'redis', 'sh', '/deploy/cli.sh', '-e', '--json']
    const send: Send = async (...command) => JSON.parse(await this.compose(...cli, ...command))
    this.group = new GroupView(send, STREAM, GROUP)
    this.watch = new ContainerWatch(this.#project, this.#options)
  }

  /** @throws when there is no Docker to talk to. */
  static async open(settings: Record<string, string>, signal: AbortSignal): Promise<Stack> {
    const options = { cwd: ROOT, env: environment(), timeoutMs: COMMAND_MS, signal }
    for (const command of [
      ['docker', 'info'],
      ['docker', 'compose', 'version'],
    ]) {
      await shell(command, options).catch((error) => {
        signal.throwIfAborted()
        throw new Error(`a running Docker engine and Compose v2 are needed: ${error.message}`)
      })
    }
    return new Stack(settings, [await freePort(), await freePort()], signal)
  }

  docker(...args: string[]): Promise<string> {
    return shell(['docker', ...args], { ...this.#options, timeoutMs: COMMAND_MS, signal: this.#signal })
  }

  compose(...args: string[]): Promise<string> {
    return this.docker(...this.#composeArgs, ...args)
  }

  async build(): Promise<void> {
    const command = ['docker', ...this.#composeArgs, 'build']
    await shell(command, { ...this.#options, timeoutMs: BUILD_MS, signal: this.#signal })
  }

  /** Brings the number of consumers to this, recreating none; dead containers are started again. */
  async scale(consumers: number): Promise<void> {
    await this.compose('up', '--detach', '--no-recreate', '--no-deps', '--scale', `consumer=${consumers}`, 'consumer')
  }

  /** Full ids of the running containers of a service. */
  async running(service: string): Promise<string[]> {
    return (await this.compose('ps', '--quiet', '--no-trunc', '--status', 'running', service))
      .split('\n')
      .filter(Boolean)
  }

  async inspect(id: string): Promise<Container> {
    const [{ State, RestartCount, Image, NetworkSettings }] = JSON.parse(await this.docker('inspect', id))
    const networks = Object.keys(NetworkSettings.Networks)
    return { id, state: State, restarts: RestartCount, image: Image, networks }
  }

  /** Whether the process that was seen in this container is still the one that runs there. */
  async isSameProcess({ id, state, restarts }: Container): Promise<boolean> {
    const now = await this.inspect(id)
    return now.state.Running && now.state.StartedAt === state.StartedAt && now.restarts === restarts
  }

  /** Resolves to the exit codes of these containers once all have died; the first `deathsBefore` deaths are not new. */
  async exitCodes(ids: readonly string[], deathsBefore: number): Promise<number[]> {
    const look = async () => {
      const deaths = ids.map((id) => this.watch.deaths.slice(deathsBefore).find((death) => death.id === id))
      return deaths.every((death) => death !== undefined) && deaths.map(({ exitCode }) => exitCode)
    }
    return this.until('the containers have ended', look, 10_000)
  }

  /** SIGTERM, and wait. */
  async stop(service: string): Promise<void> {
    const ids = await this.running(service)
    const deathsBefore = this.watch.deaths.length
    await this.compose('stop', service)
    await this.exitCodes(ids, deathsBefore)
  }

  until<T>(what: string, look: () => T | Promise<T>, timeoutMs: number) {
    return until(what, look, { timeoutMs, signal: this.#signal })
  }

  ledger(): LedgerLine[] {
    return readLedger(this.ledgerFolder)
  }

  /** Containers, networks, volumes and the ledger. Not to be interrupted. */
  async remove(): Promise<void> {
    this.watch.stop()
    try {
      const down = ['down', '--volumes', '--remove-orphans', '--timeout', '10']
      await shell(['docker', ...this.#composeArgs, ...down], { ...this.#options, timeoutMs: COMMAND_MS })
    } finally {
      rmSync(this.ledgerFolder, { recursive: true, force: true })
    }
  }

  get #composeArgs(): string[] {
    const files = FILES.flatMap((file) => ['--file', file])
    return [
      'compose',
      '--project-name',
      this.#project,
      ...files,
      '--env-file',
      devNull,
      '--profile',
      'console',
      '--ansi',
      'never',
    ]
  }
}
