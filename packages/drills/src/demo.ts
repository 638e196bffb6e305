import { parseArgs } from 'node:util'
import { endOnSignal } from '@redis-streams-processor/testbed'
import { Arena, openWork } from './arena.ts'
import { judge, judgeRecovery, type Recovery, type Verdict } from './judge.ts'
import { drawProgress, endProgress, table } from './verdict-table.ts'

// `npm run demo`: 10,000 events at once, three consumers, one killed while it holds entries, one poison event, one
// duplicate publish. Judged by what the publisher and the handlers wrote down, outside Redis.

const EVENTS = 10_000
const CONSUMERS = ['consumer-1', 'consumer-2', 'consumer-3'] as const
const VICTIM = CONSUMERS[1]
const GROUP = 'user_group'
const LEASE_MS = 3_000
const DEADLINE_MS = 50_000

interface DemoVerdict extends Verdict {
  recovery: Recovery
  eventsPerSecond: number
}

async function demo(say: (text: string) => void): Promise<DemoVerdict> {
  const arena = await Arena.open()
  try {
    const settings = { LOG_LEVEL: 'error', WORK_MS: '5', LEASE_MS: String(LEASE_MS), RETRY_BASE_MS: '100' }
    const consumers = new Map(
      CONSUMERS.map((name) => [name, arena.start('consumer', { ...settings, CONSUMER: name, GROUP })]),
    )
    await arena.until(async () => joined(arena) === CONSUMERS.length, 20_000)

    say(`publishing ${EVENTS} events at once, one of them poison, one of them twice`)
    const producer = arena.start('producer', { BURST: String(EVENTS), FAILING: '1', DUPLICATES: '1' })
    await arena.until(async () => (await progress(arena)) > EVENTS / 5, 20_000)

    const victim = consumers.get(VICTIM)
    victim?.kill('SIGKILL')
    const at = Date.now()
    await victim?.exited()
    const heldEntryIds = await arena.heldBy(GROUP, VICTIM)
    endProgress()
    say(`killed ${VICTIM} (SIGKILL) while it held ${heldEntryIds.length} entries`)

    const producerExit = await producer.exited()
    const isQuiet = async () => (await progress(arena)) >= EVENTS && openWork(await arena.inspect()) === 0
    const finished = await arena.until(isQuiet, DEADLINE_MS)
    endProgress()
    const pending = openWork(await arena.inspect())
    await Promise.all([...consumers.values()].map((consumer) => consumer.stop()))

    const ledger = arena.ledger()
    const doomed = new Set(
      ledger.flatMap((line) => (line.what === 'attempted' && line.subject === 'user_1003' ? [line.id] : [])),
    )
    const deadLetters = { [GROUP]: await arena.deadLetterIds(GROUP) }
    const verdict = judge({ ledger, groups: [GROUP], deadLetters, pending, doomed })
    const recovery = judgeRecovery(ledger, { consumer: VICTIM, group: GROUP, at, heldEntryIds })
    const passed =
      verdict.passed &&
      finished &&
      producerExit === 0 &&
      verdict.published === EVENTS &&
      verdict.duplicatesRefused === 1 &&
      heldEntryIds.length > 0 &&
      recovery.startedMs !== undefined
    return { ...verdict, passed, recovery, eventsPerSecond: throughput(ledger, new Set(heldEntryIds)) }
  } finally {
    await arena.close()
  }
}

const joined = (arena: Arena) => arena.ledger().filter(({ what }) => what === 'joined').length

async function progress(arena: Arena): Promise<number> {
  const published = arena.ledger().filter(({ what }) => what === 'published').length
  const done = Math.max(0, published - openWork(await arena.inspect()))
  drawProgress('handled', Math.min(done, EVENTS), EVENTS)
  return done
}

/** From the first publish to the last finish, without what had to wait for the victim's lease. */
function throughput(ledger: ReturnType<Arena['ledger']>, held: Set<string>): number {
  const begin = Math.min(...ledger.flatMap((line) => (line.what === 'attempted' ? [line.at] : [])).slice(0, 1))
  const finishes = ledger.flatMap((line) => (line.what === 'finished' && !held.has(line.entryId) ? [line.at] : []))
  const end = finishes.reduce((latest, at) => Math.max(latest, at), begin)
  return Math.round((finishes.length / Math.max(1, end - begin)) * 1_000)
}

function show(verdict: DemoVerdict): string {
  const { recovery } = verdict
  return table([
    ['published', verdict.published],
    ['handled', verdict.handled],
    ['lost', verdict.lost],
    ['handled twice', verdict.handledTwice],
    [
      'dead letters',
      `${verdict.deadLetters} (${verdict.wronglyDeadLettered} wrong, ${verdict.missingDeadLetters} missing)`,
    ],
    ['duplicate publishes refused', verdict.duplicatesRefused],
    ['still pending', verdict.pending],
    ['held by the killed consumer', recovery.held],
    ['running elsewhere after', `${recovery.startedMs ?? 'never'} ms (lease ${LEASE_MS} ms)`],
    ['handled elsewhere after', `${recovery.finishedMs ?? 'never'} ms`],
    ['events per second', verdict.eventsPerSecond],
    ['verdict', verdict.passed ? 'passed: nothing lost' : 'FAILED'],
  ])
}

endOnSignal()
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const verdict = await demo((text) => console.error(text))
console.log(values.json ? JSON.stringify(verdict) : `\n${show(verdict)}`)
process.exitCode = verdict.passed ? 0 : 1
