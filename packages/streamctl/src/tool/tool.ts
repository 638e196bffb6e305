import type { CommandName, DataOf } from '../data.ts'
import { ask } from './ask.ts'
import { Failure } from './failure.ts'
import { heeding } from './interrupt.ts'
import { newProgress, type Progress } from './progress.ts'
import { type Settings, settingsFor } from './settings.ts'

/** The options that every command has. */
export interface GlobalOptions {
  redis?: string
  stream?: string
  json?: boolean
  yes?: boolean
}

/** Without a terminal, lines are this wide. */
const WIDTH = 80
/** Without a terminal, a screen has so many lines. */
const HEIGHT = 24

/** What a command works with: settings, output, questions. `C`: the command, which says what it shows. */
export class Tool<C extends CommandName = CommandName> {
  readonly command: C
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  readonly isJson: boolean
  readonly settings: Settings
  readonly #hasConsent: boolean

  /** @throws {SettingsError} */
  constructor(command: C, options: GlobalOptions, signal: AbortSignal) {
    this.command = command
    this.signal = signal
    this.isJson = options.json ?? false
    this.#hasConsent = options.yes ?? false
    this.settings = settingsFor(options)
  }

  get stream(): { name: string } {
    return { name: this.settings.stream }
  }

  /** What the library's functions take to connect. */
  get redis() {
    return { redis: this.settings.redis }
  }

  get width(): number {
    return Math.max(40, process.stdout.columns ?? WIDTH)
  }

  /** Lines of one screen. */
  get height(): number {
    return process.stdout.rows ?? HEIGHT
  }

  /** Shows what the command has found or done: for programs, or for people. */
  show(data: DataOf<C>, lines: (width: number) => readonly string[]): void {
    if (this.isJson) this.#write(JSON.stringify({ command: this.command, stream: this.stream.name, ok: true, data }))
    else for (const line of lines(this.width)) this.#write(line)
  }

  /** A remark beside the output. */
  note(line: string): void {
    process.stderr.write(`${line}\n`)
  }

  /**
   * Asks before something is destroyed, or before something that may not be meant.
   * @param warning Why it asks. It is told where `--yes` has answered already, too.
   * @throws {Failure} unless the answer is yes.
   */
  async confirm(question: string, warning?: string): Promise<void> {
    if (this.#hasConsent) {
      if (warning !== undefined) this.note(`streamctl: ${warning}`)
      return
    }
    const whole = warning === undefined ? question : `${warning} ${question}`
    if (this.isJson || !process.stdin.isTTY) {
      throw new Failure('declined', 'NOT_CONFIRMED', `${whole} Nobody can be asked here: say it with --yes`)
    }
    if (await heeding(() => ask(whole, this.signal))) return
    this.throwIfInterrupted('nothing was changed')
    throw new Failure('declined', 'NOT_CONFIRMED', 'nothing was changed')
  }

  /** How far long work is: on a terminal only. */
  progress(): Progress {
    return newProgress(this.isJson)
  }

  /** @throws {Failure} when Ctrl-C has ended the work early. @param done What was done until then. */
  throwIfInterrupted(done: string): void {
    if (this.signal.aborted) throw new Failure('interrupted', 'INTERRUPTED', `stopped early: ${done}`)
  }

  #write(line: string): void {
    process.stdout.write(`${line}\n`)
  }
}
