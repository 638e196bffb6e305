import type { LettersPage } from './letters.ts'
import type { Looker, Seen } from './looker.ts'

/** Where there is no new look, a page that was read longer ago than this is read again. */
const OLD_MS = 1_000

/** The newest letters of each group: read once for everybody who asks for them between two looks. */
export class NewestLetters {
  readonly #looker: Pick<Looker, 'newest'>
  readonly #pages = new Map<string, Promise<LettersPage>>()
  #seen: Seen | undefined
  #since = 0

  constructor(looker: Pick<Looker, 'newest'>) {
    this.#looker = looker
  }

  of(group: string, read: () => Promise<LettersPage>): Promise<LettersPage> {
    const { newest } = this.#looker
    const now = performance.now()
    // A page is never older than the look that made somebody ask for it.
    if (newest !== this.#seen || now > this.#since + OLD_MS) {
      this.#pages.clear()
      this.#seen = newest
      this.#since = now
    }
    const page = this.#pages.get(group) ?? read()
    this.#pages.set(group, page)
    return page
  }
}
