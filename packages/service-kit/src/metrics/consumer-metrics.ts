import type { Report, SettledReport } from '@redis-streams-processor/streams-core'
import { Gauge, type Registry } from 'prom-client'
import { newConnectionMetrics } from './connection-metrics.ts'
import { newControlMetrics } from './control-metrics.ts'
import { type Count, Counts, DurationHistogram, type Durations } from './tallies.ts'

type OutcomeType = SettledReport['outcome']['type']

const OUTCOMES = Object.keys({
  ack: true,
  skip: true,
  committed: true,
  retry: true,
  release: true,
  'dead-letter': true,
  abandon: true,
} satisfies Record<OutcomeType, true>) as OutcomeType[]

/** Whether a handler ran, by how the delivery went. Of the others a few had begun one; its time tells nothing. */
const HANDLER_RAN: Record<SettledReport['result'], boolean> = {
  returned: true,
  skipped: true,
  threw: true,
  'retry-after': true,
  rejected: true,
  committed: true,
  'commit-failed': true,
  'timed-out': true,
  unfinished: true,
  malformed: false,
  crashed: false,
  'not-ours': false,
  'handled-before': false,
  'handled-elsewhere': false,
  unstarted: false,
  paused: false,
  unserved: false,
  'lease-lost': false,
  deleted: false,
}

/** Event types that the stream does not know: anybody may have appended them, so each would be a series of its own. */
const OTHER_TYPE = 'other'

interface TypeMetrics {
  settled: Record<OutcomeType, Count>
  handled: Durations
}

interface GroupMetrics {
  types: ReadonlyMap<string, TypeMetrics>
  firstAge: Durations
  laterAge: Durations
  claimed: Record<Extract<Report, { kind: 'claimed' }>['reason'] | 'lost-reply', Count>
}

/**
 * The metrics of one consumer, made of its reports and of nothing else. Every series is there, at 0, from the moment
 * when the consumer has joined its group: Prometheus does not count an increase from nothing to 1.
 * @param eventTypes The types that the stream knows.
 * @returns What to pass as `onReport`.
 */
export function newConsumerMetrics(registry: Registry, eventTypes: readonly string[]): (report: Report) => void {
  const registers = [registry]
  const settled = new Counts({
    ...{ registry, name: 'streams_settled_total' },
    help: 'Deliveries whose outcome is known, by what became of them',
  })
  const handled = new DurationHistogram({
    ...{ registry, name: 'streams_handler_duration_seconds' },
    help: 'Time from getting a handler slot until the handler ended',
  })
  const age = new DurationHistogram({
    ...{ registry, name: 'streams_delivery_age_seconds' },
    help: 'Time since Redis appended the entry when a delivery of it got a handler slot; attempt: first or later',
  })
  const claimed = new Counts({
    ...{ registry, name: 'streams_claimed_total' },
    help: 'Entries that this consumer took over, by reason',
  })
  const leasesLost = new Counts({
    ...{ registry, name: 'streams_leases_lost_total' },
    help: 'Deliveries for which nothing was written, because the lease was lost',
  }).with({})
  const held = new Gauge({
    ...{ registers, name: 'streams_held_entries', labelNames: ['state'] },
    help: 'Entries that this consumer holds: waiting for a handler slot, running, or settling',
  })
  const concurrency = new Gauge({
    ...{ registers, name: 'streams_concurrency' },
    help: 'Handlers that may run at the same time',
  })
  const observeConnection = newConnectionMetrics(registry)()
  const controls = newControlMetrics(registry)
  const groups = new Map<string, GroupMetrics>()

  function newGroup(group: string): GroupMetrics {
    const newType = (type: string): [string, TypeMetrics] => {
      const counts = OUTCOMES.map((outcome) => [outcome, settled.with({ group, type, outcome })])
      return [type, { settled: Object.fromEntries(counts), handled: handled.with({ group, type }) }]
    }
    const claimedFor = (reason: string) => claimed.with({ group, reason })
    return {
      types: new Map([...eventTypes, OTHER_TYPE].map(newType)),
      firstAge: age.with({ group, attempt: 'first' }),
      laterAge: age.with({ group, attempt: 'later' }),
      claimed: {
        due: claimedFor('due'),
        'lease-over': claimedFor('lease-over'),
        suspect: claimedFor('suspect'),
        crashed: claimedFor('crashed'),
        probe: claimedFor('probe'),
        'lost-reply': claimedFor('lost-reply'),
      },
    }
  }

  function of(group: string): GroupMetrics {
    const known = groups.get(group)
    if (known) return known
    const metrics = newGroup(group)
    groups.set(group, metrics)
    return metrics
  }

  function observeSettled({ group, eventType, outcome, result, handlerMs, ageMs, attempt }: SettledReport): void {
    const { types, firstAge, laterAge } = of(group)
    const type = types.get(eventType ?? OTHER_TYPE) ?? (types.get(OTHER_TYPE) as TypeMetrics)
    type.settled[outcome.type].add()
    if (result === 'lease-lost') leasesLost.add()
    if (!HANDLER_RAN[result]) return
    type.handled.observeMs(handlerMs)
    if (ageMs !== undefined) (attempt === 1 ? firstAge : laterAge).observeMs(ageMs)
  }

  function setHeld(waiting: number, running: number, settling: number): void {
    held.set({ state: 'waiting' }, waiting)
    held.set({ state: 'running' }, running)
    held.set({ state: 'settling' }, settling)
  }
  setHeld(0, 0, 0)

  return (report) => {
    switch (report.kind) {
      case 'settled':
        return observeSettled(report)
      case 'claimed':
        return of(report.group).claimed[report.reason].add(report.entryIds.length)
      case 'retaken':
        return of(report.group).claimed['lost-reply'].add(report.entryIds.length)
      case 'started':
        of(report.group)
        controls.add(report.group)
        return
      case 'load':
        concurrency.set(report.concurrency)
        return setHeld(report.waiting, report.running, report.settling)
      case 'stopped':
        return setHeld(0, 0, 0)
      case 'connection':
        return observeConnection(report)
      default:
        return controls.observe(report)
    }
  }
}
