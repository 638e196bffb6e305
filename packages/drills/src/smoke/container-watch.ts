import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { end, start } from './shell.ts'

export interface Death {
  id: string
  name: string
  exitCode: number
}

interface DockerEvent {
  Action: 'start' | 'die'
  Actor: { ID: string; Attributes: { name: string; exitCode?: string } }
  timeNano: number
}

/** Log lines kept of a container. */
const KEPT = 200
const LOOKS_WRONG = /"level":"(error|fatal)"|\bError\b/

/**
 * Follows the containers of one project while they come and go: a restart policy hides a crash, and a container that
 * was scaled away takes its log along.
 */
export class ContainerWatch {
  readonly deaths: Death[] = []
  readonly #options: { cwd: string; env: NodeJS.ProcessEnv }
  readonly #children = new Set<ChildProcess>()
  readonly #logs = new Map<string, string[]>()
  readonly #starts = new Map<string, number>()
  readonly #excused: string[] = []

  constructor(project: string, options: { cwd: string; env: NodeJS.ProcessEnv }) {
    this.#options = options
    const filters = [`label=com.docker.compose.project=${project}`, 'type=container', 'event=start', 'event=die']
    const args = filters.flatMap((filter) => ['--filter', filter])
    this.#follow(['docker', 'events', '--format', '{{json .}}', ...args], (line) => {
      if (line.startsWith('{')) this.#take(JSON.parse(line))
    })
  }

  /** The next death of this container is wanted. */
  excuse(id: string): void {
    this.#excused.push(id)
  }

  /** Deaths with an exit code other than 0 that nobody has excused. */
  unexpectedDeaths(): Death[] {
    const excused = [...this.#excused]
    return this.deaths.filter(({ id, exitCode }) => {
      if (exitCode === 0) return false
      const at = excused.indexOf(id)
      if (at >= 0) excused.splice(at, 1)
      return at < 0
    })
  }

  /** The end of the log of every container that died, was restarted or complained; of all, if none did. */
  logsOfSuspects(lines = 30): string {
    const died = new Set(this.deaths.filter(({ exitCode }) => exitCode !== 0).map(({ name }) => name))
    const all = [...this.#logs]
    const suspects = all.filter(
      ([name, log]) =>
        died.has(name) || (this.#starts.get(name) ?? 0) > 1 || log.some((line) => LOOKS_WRONG.test(line)),
    )
    return (suspects.length > 0 ? suspects : all)
      .map(([name, log]) => [`--- ${name}${this.#story(name)}`, ...log.slice(-lines)].join('\n'))
      .join('\n')
  }

  stop(): void {
    for (const child of this.#children) end(child)
  }

  #story(name: string): string {
    const codes = this.deaths.filter((death) => death.name === name).map(({ exitCode }) => exitCode)
    const ended = codes.length > 0 ? `, ended with ${codes.join(', then ')}` : ''
    return ` (started ${this.#starts.get(name) ?? 0} times${ended})`
  }

  #take({ Action, Actor, timeNano }: DockerEvent): void {
    const { name, exitCode } = Actor.Attributes
    if (Action === 'die') {
      this.deaths.push({ id: Actor.ID, name, exitCode: Number(exitCode) })
      return
    }
    this.#starts.set(name, (this.#starts.get(name) ?? 0) + 1)
    const log = this.#logs.get(name) ?? []
    this.#logs.set(name, log)
    // Only from this start on: what came before was followed before.
    const since = (timeNano / 1e9).toFixed(6)
    this.#follow(['docker', 'logs', '--follow', '--since', since, Actor.ID], (line) => {
      log.push(line)
      if (log.length > KEPT) log.shift()
    })
  }

  #follow(command: string[], onLine: (line: string) => void): void {
    const child = start(command, this.#options)
    this.#children.add(child)
    child.on('error', () => {}).on('close', () => this.#children.delete(child))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', onLine)
    }
  }
}
