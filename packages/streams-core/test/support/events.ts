import { randomUUID } from 'node:crypto'
import { z } from 'zod'

/** The events of the tests. */
export const catalog = {
  counted: z.object({ n: z.int() }),
  noted: z.object({ text: z.string() }),
}
export type TestCatalog = typeof catalog

export const range = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/** The fields of a well-formed entry, as a foreign producer would write them. */
export function foreignEntry(overrides: Record<string, string> = {}): string[] {
  const fields = {
    id: randomUUID(),
    type: 'counted',
    source: '/foreign',
    time: '2026-01-01T00:00:00Z',
    data: '{"n":1}',
    ...overrides,
  }
  return Object.entries(fields).flat()
}

/** The most starts in any second. */
export function mostInASecond(startedAt: readonly number[]): number {
  const sorted = [...startedAt].sort((a, b) => a - b)
  let from = 0
  let most = 0
  for (const [i, at] of sorted.entries()) {
    while (at - (sorted[from] as number) >= 1_000) from += 1
    most = Math.max(most, i - from + 1)
  }
  return most
}
