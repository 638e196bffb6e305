/** What is to be changed, and for whom: without payloads, and without texts that somebody searches for in payloads. */
export interface Change {
  action: string
  group: string
  /** The address of who asked. */
  by: string
  asked: object
}

/** How work is stopped, and what it has to be told of it while it goes on. */
export interface Course {
  signal: AbortSignal
  tell: (soFar: object) => void
}

/** Changes that run for operators. The log has two lines of each: that it begins, and how it has ended. */
export class Changes {
  readonly #logger: { info(fields: object, message: string): void }
  readonly #running = new Set<Promise<object>>()

  constructor(logger: { info(fields: object, message: string): void }) {
    this.#logger = logger
  }

  run(change: Change, course: Course, work: (course: Course) => Promise<object>): Promise<object> {
    const running = this.#run(change, course, work).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  /** Resolves once no change runs any more, and the log says how each has ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  async #run(change: Change, { signal, tell }: Course, work: (course: Course) => Promise<object>): Promise<object> {
    this.#logger.info(change, 'a change for an operator begins')
    let done: object | undefined
    let error: string | undefined
    const note = (soFar: object) => {
      done = soFar
      tell(soFar)
    }
    try {
      done = await work({ signal, tell: note })
      return done
    } catch (thrown) {
      error = (thrown as Error).message
      throw thrown
    } finally {
      this.#logger.info({ ...change, done, error, wasStopped: signal.aborted }, 'a change for an operator has ended')
    }
  }
}
