import type { DeliveryLine, LedgerLine } from '@redis-streams-processor/service-kit'
import { expect, test } from 'vitest'
import { count, type Evidence, judge } from '../../src/judge.ts'

const GROUP = 'g'
type Story = [what: DeliveryLine['what'] | `settled ${string}`, attempt?: number][]

/** The ledger of one published event whose deliveries went like this. */
function ledgerOf(story: Story): LedgerLine[] {
  const delivery = { id: 'e', entryId: '1-0', group: GROUP, consumer: 'c', at: 1 }
  return [
    { what: 'attempted', id: 'e', type: 't', subject: 's', at: 0 },
    { what: 'published', id: 'e', entryId: '1-0', duplicate: false, at: 0 },
    ...story.map(([said, attempt = 1]) => {
      const [what, outcome] = said.split(' ')
      return { what, outcome, attempt, ...delivery } as unknown as LedgerLine
    }),
  ]
}

const judged = (story: Story, more: Partial<Evidence> = {}) =>
  judge(count({ ledger: ledgerOf(story), groups: [GROUP], deadLetters: {}, doomed: new Set(), ...more }), 0)

const dead = { deadLetters: { [GROUP]: ['e'] }, doomed: new Set(['e']) }

test.each<[string, Story, Partial<Evidence>, object]>([
  ['a handled event', [['started'], ['returned'], ['settled ack']], {}, { handled: 1, passed: true }],
  ['a skipped event', [['started'], ['skipped'], ['settled skip']], {}, { handled: 1, skipped: 1, passed: true }],
  ['a published event that no handler finished', [['started'], ['threw'], ['settled retry']], {}, { lost: 1 }],
  ['an event that was rejected, and is not dead', [['started'], ['rejected']], {}, { lost: 1 }],
  ['a retry that was asked for, and never came', [['started'], ['retry-after']], {}, { lost: 1 }],
  ['a doomed event', [['started'], ['rejected'], ['settled dead-letter']], dead, { deadLetters: 1, passed: true }],
  ['a doomed event that is not dead', [], { doomed: new Set(['e']) }, { missingDeadLetters: 1, passed: false }],
  [
    'a dead event that was not doomed',
    [],
    { deadLetters: dead.deadLetters },
    { wronglyDeadLettered: 1, passed: false },
  ],
  ['an event that ran twice', [['started'], ['returned'], ['started', 2], ['returned', 2]], {}, { handledTwice: 1 }],
  ['an effect written twice', [], { effects: { [GROUP]: new Map([['e', 2]]) } }, { effectsDoubled: 1, passed: false }],
  ['a commit without its effect', [['committed']], { effects: { [GROUP]: new Map() } }, { lost: 1, passed: false }],
  [
    'an entry settled as handled and as dead',
    [['returned'], ['settled committed'], ['settled dead-letter']],
    {},
    { contradicted: 1, passed: false },
  ],
])('%s', (_, story, evidence, verdict) => {
  expect(judged(story, evidence)).toMatchObject(verdict)
})

test('nothing published proves nothing; what is pending at the end is wrong', () => {
  const nothing = count({ ledger: [], groups: [GROUP], deadLetters: {}, doomed: new Set() })
  expect(judge(nothing, 0).passed).toBe(false)
  const handled = count({ ledger: ledgerOf([['returned']]), groups: [GROUP], deadLetters: {}, doomed: new Set() })
  expect(judge(handled, 0).passed).toBe(true)
  expect(judge(handled, 1).passed).toBe(false)
})
