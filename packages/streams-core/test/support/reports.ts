import type { Report, SettledReport } from '../../src/index.ts'

type Reported<K extends Report['kind']> = Extract<Report, { kind: K }>

/** As long as the lab waits for anything else. */
export const DEADLINE_MS = 45_000

/** What a consumer reports; waits for reports instead of for time. */
export class Reports {
  readonly all: Report[] = []
  readonly #watchers = new Set<() => void>()

  add(report: Report): void {
    this.all.push(report)
    for (const watcher of [...this.#watchers]) watcher()
  }

  of<K extends Report['kind']>(kind: K): Reported<K>[] {
    return this.all.filter((report): report is Reported<K> => report.kind === kind)
  }

  settled(type?: SettledReport['outcome']['type']): SettledReport[] {
    return this.of('settled').filter(({ outcome }) => !type || outcome.type === type)
  }

  /** @param what What is waited for, as a sentence: 'the heir acknowledges 3 events'. */
  until(what: string, look: (reports: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(deadline)
        this.#watchers.delete(watcher)
        settle()
      }
      const watcher = () => look(this) && end(resolve)
      const late = () => new Error(`${what}: not within ${DEADLINE_MS / 1_000} s; reports: ${this.#summary()}`)
      const deadline = setTimeout(() => end(() => reject(late())), DEADLINE_MS)
      this.#watchers.add(watcher)
      watcher()
    })
  }

  /** How many there are of each kind. */
  #summary(): string {
    const counts = new Map<string, number>()
    for (const report of this.all) {
      const kind = report.kind === 'settled' ? `settled (${report.outcome.type})` : report.kind
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none'
  }
}
