import { reject } from '@redis-streams-processor/streams-core'
import { GROUP, type Lab } from '../../../streams-core/test/support/lab.ts'

/** Names as long as they may be, with signs that would colour a terminal or turn a line around. */
export const LONG = {
  consumer: `host-${'x'.repeat(150)}`,
  eventId: `evt_${'0123456789'.repeat(25)}`,
  subject: `用户_${'名'.repeat(60)}\u001b[31m\u202e`,
}
export const ERROR = `the bank says: ${'not today, '.repeat(40)}\u001b[2J`

/**
 * A bad night: three events were rejected, of which one has a long id; one waits an hour for its retry; one is held by a
 * consumer that has shown nothing since; one was not delivered yet; and one was handled.
 */
export async function badNight(lab: Lab) {
  lab.mayLeavePending = true
  const consumer = await lab.consumer({
    retry: { delayMs: () => 3_600_000 },
    handlers: {
      counted({ data: { n } }) {
        if (n === 0) throw new Error(ERROR)
      },
      noted: () => reject(`no such text: ${ERROR}`),
    },
  })
  const producer = lab.producer()
  let died = 0
  // One after another, so that the letters are in order: where Redis does not know a script yet, it is sent once more, and
  // another letter may come before.
  const noted = async (id: string, subject = 'user_1') => {
    await producer.publish('noted', { text: 'secret' }, { id, subject })
    died += 1
    await consumer.reports.until('it is dead', (reports) => reports.settled('dead-letter').length === died)
  }
  await noted('dead-1')
  await noted('dead-2')
  await noted(LONG.eventId, LONG.subject)
  const retried = await producer.publish('counted', { n: 0 }, { id: 'retried' })
  const handled = await producer.publish('counted', { n: 1 }, { id: 'handled' })
  await consumer.reports.until('all are settled', (reports) => reports.settled().length === 5)
  await consumer.stop()
  const held = await producer.publish('counted', { n: 2 }, { id: 'held', subject: 'user_2' })
  await lab.send('XREADGROUP', 'GROUP', GROUP, LONG.consumer, 'COUNT', 1, 'STREAMS', lab.streamName, '>')
  // A long lease: for as long as the test runs, it may live.
  await lab.send('HSET', `{${lab.streamName}}:${GROUP}:tally`, `lease:${LONG.consumer}`, 3_600_000)
  const unread = await producer.publish('counted', { n: 3 }, { id: 'unread' })
  return { retried, handled, held, unread }
}
