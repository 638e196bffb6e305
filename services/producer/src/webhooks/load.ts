/** What all bodies together may take that are being received, checked or appended. */
const MAX_BYTES = 134_217_728

/** The requests that are not answered yet, and the memory that their bodies may take. */
export class Load {
  #requests = 0
  #bytes = 0
  #onIdle: (() => void)[] = []

  /** Whether one more body of this size is too much. */
  exceeds(bytes: number): boolean {
    return this.#requests > 0 && this.#bytes + bytes > MAX_BYTES
  }

  /** @returns to be called once, when the request is over. */
  add(bytes: number): () => void {
    this.#requests += 1
    this.#bytes += bytes
    return () => {
      this.#requests -= 1
      this.#bytes -= bytes
      if (this.#requests === 0) for (const tell of this.#onIdle.splice(0)) tell()
    }
  }

  async whenIdle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }
}
