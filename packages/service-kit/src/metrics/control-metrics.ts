import type { Report } from '@redis-streams-processor/streams-core'
import { Gauge, type Registry } from 'prom-client'
import { type Count, Counts } from './tallies.ts'

type Verdict = Extract<Report, { kind: 'circuit-probed' }>['verdict']

/** What controls one group, as its consumer has seen it. */
interface GroupControlMetrics {
  pausedTypes: Set<string>
  opened: Count
  closed: Count
  probes: Record<Verdict, Count>
}

/** The metrics of pauses, limits and circuits. A group has its series, at 0, once it is added. */
export function newControlMetrics(registry: Registry) {
  const registers = [registry]
  const labelNames = ['group']
  const paused = new Gauge({
    ...{ registers, name: 'streams_paused', labelNames },
    help: '1 while the group is paused, as this consumer has seen it, else 0',
  })
  const pausedTypes = new Gauge({
    ...{ registers, name: 'streams_paused_types', labelNames },
    help: 'Event types of the group that are paused, as this consumer has seen it',
  })
  const limit = new Gauge({
    ...{ registers, name: 'streams_limit_per_second', labelNames },
    help: 'Handlers that the group may start in a second, as this consumer has seen it; 0: no limit',
  })
  const opened = new Counts({
    ...{ registry, name: 'streams_circuit_opened_total' },
    help: 'How often this consumer has opened the circuit of the group',
  })
  const closed = new Counts({
    ...{ registry, name: 'streams_circuit_closed_total' },
    help: 'How often a probe of this consumer has closed the circuit of the group',
  })
  const probes = new Counts({
    ...{ registry, name: 'streams_circuit_probes_total' },
    help: 'Deliveries that this consumer has tried while the circuit was open, by how that went',
  })
  const groups = new Map<string, GroupControlMetrics>()

  function add(group: string): GroupControlMetrics {
    const known = groups.get(group)
    if (known) return known
    const probesWith = (verdict: Verdict) => probes.with({ group, verdict })
    const metrics: GroupControlMetrics = {
      pausedTypes: new Set(),
      opened: opened.with({ group }),
      closed: closed.with({ group }),
      probes: { success: probesWith('success'), failure: probesWith('failure'), none: probesWith('none') },
    }
    groups.set(group, metrics)
    for (const gauge of [paused, pausedTypes, limit]) gauge.set({ group }, 0)
    return metrics
  }

  function setPaused({ group, eventType }: Extract<Report, { kind: 'paused' | 'resumed' }>, isPaused: boolean): void {
    const { pausedTypes: types } = add(group)
    if (eventType === undefined) return paused.set({ group }, isPaused ? 1 : 0)
    if (isPaused) types.add(eventType)
    else types.delete(eventType)
    pausedTypes.set({ group }, types.size)
  }

  function observe(report: Report): void {
    switch (report.kind) {
      case 'paused':
        return setPaused(report, true)
      case 'resumed':
        return setPaused(report, false)
      case 'limited':
        add(report.group)
        return limit.set({ group: report.group }, report.perSecond ?? 0)
      case 'circuit-opened':
        return add(report.group).opened.add()
      case 'circuit-probed':
        return add(report.group).probes[report.verdict].add()
      case 'circuit-closed':
        return add(report.group).closed.add()
    }
  }
  return { add, observe }
}
