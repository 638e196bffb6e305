/** One series of a scrape. */
export interface Series {
  name: string
  labels: Record<string, string>
  value: number
}

/** What a service answers at /metrics. */
export class Scrape {
  readonly series: readonly Series[]

  constructor(text: string) {
    this.series = text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === undefined) return []
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text])
      return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
    })
  }

  static async of(port: number): Promise<Scrape> {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    if (!response.ok) throw new Error(`/metrics: ${response.status} ${await response.text()}`)
    return new Scrape(await response.text())
  }

  /** The series of this name that have these labels, and maybe more. */
  all(name: string, labels: Record<string, string> = {}): Series[] {
    const wanted = Object.entries(labels)
    return this.series.filter((one) => one.name === name && wanted.every(([key, text]) => one.labels[key] === text))
  }

  /** The sum of these series. Undefined: there are none. */
  sum(name: string, labels?: Record<string, string>): number | undefined {
    const found = this.all(name, labels)
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
  }
}
