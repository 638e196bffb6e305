import type { LedgerLine } from '@redis-streams-processor/service-kit'
import { expect, test } from 'vitest'
import { timeRecovery } from '../../src/recovery.ts'

const group = 'g'
const started = (consumer: string, entryId: string, at: number): LedgerLine => {
  return { what: 'started', id: `event of ${entryId}`, entryId, group, consumer, attempt: 1, at }
}
const takedown = (consumer: string, at: number, ...entryIds: string[]) => ({ group, consumer, at, entryIds })

test('the time runs from the takedown to the first start elsewhere; what never ran elsewhere is not timed', () => {
  const ledger = [
    started('victim', '1', 90),
    started('victim', '1', 110),
    started('late', '1', 400),
    started('heir', '1', 300),
    started('heir', '2', 350),
    { ...started('heir', '3', 200), group: 'other' } as LedgerLine,
  ]
  expect(timeRecovery(ledger, [takedown('victim', 100, '1', '2', '3')])).toEqual({
    ...{ held: 3, elsewhere: 2, timed: 2, medianMs: 250, p99Ms: 250, worstMs: 250 },
  })
})

test('if the next owner is taken out before it starts an entry, the time runs from that takedown', () => {
  const takedowns = [takedown('victim', 100, '1'), takedown('heir', 150, '1')]
  expect(timeRecovery([started('next', '1', 180)], takedowns)).toMatchObject({
    held: 2,
    elsewhere: 2,
    timed: 1,
    worstMs: 30,
  })
})

test('what an outage may have delayed is not timed', () => {
  const ledger = [started('heir', '1', 300), started('heir', '2', 120)]
  const recovery = timeRecovery(ledger, [takedown('victim', 100, '1', '2')], [{ from: 130, to: 200 }])
  expect(recovery).toMatchObject({ elsewhere: 2, timed: 1, worstMs: 20 })
})
