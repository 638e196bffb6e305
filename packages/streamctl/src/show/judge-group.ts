import type { GroupState } from '@redis-streams-processor/streams-core'
import { moment, some, span } from './words.ts'

/** A living consumer asks Redis about once a second, and at the latest after its `blockMs`. */
const SILENT_MS = 15_000
/** An entry that waits for longer than this should be looked at. */
const SLOW_MS = 60_000

export interface Judgement {
  state: 'idle' | 'working' | 'paused' | 'circuit-open' | 'no-consumer' | 'retrying' | 'slow'
  /** What is the matter, and what to do; undefined where nothing is. */
  why?: string
}

/** Consumers that have asked Redis for something lately, without pseudo-consumers. */
export function aliveIn({ consumers }: Pick<GroupState, 'consumers'>) {
  return consumers.filter(({ name, idleMs }) => !name.includes('~') && idleMs < SILENT_MS)
}

/** Which group is stuck, and why: the first of the reasons that holds. */
export function judgeGroup(group: GroupState): Judgement {
  const { paused, lag, pending, waitingForRetry, oldestUnhandledMs } = group
  const [name, unhandled] = [group.group, lag + pending + waitingForRetry]
  const setAside = group.pausedTypes.reduce((sum, type) => sum + type.setAside, 0)
  if (paused) {
    const reason = paused.reason ? `: ${paused.reason}` : ''
    const state = paused.by === 'circuit' ? 'circuit-open' : 'paused'
    const by = paused.by === 'circuit' ? 'by its circuit, because its handlers fail' : 'by an operator'
    return { state, why: `paused ${by}, since ${moment(paused.since)}${reason}. To go on: group resume ${name}` }
  }
  if (unhandled + setAside === 0) return { state: 'idle' }
  if (aliveIn(group).length === 0) {
    const last = Math.min(...group.consumers.filter(({ name }) => !name.includes('~')).map(({ idleMs }) => idleMs))
    const since = Number.isFinite(last) ? `for ${span(last)}` : 'ever'
    return { state: 'no-consumer', why: `no consumer has asked for entries ${since}: start one, or see why they ended` }
  }
  const held = group.pausedTypes.map(
    ({ eventType, setAside: entries }) => `${eventType} (${some(entries, 'entry', 'entries')})`,
  )
  const typesPaused = held.length > 0 ? `paused event types: ${held.join(', ')}` : undefined
  if (oldestUnhandledMs > SLOW_MS && lag + pending === 0 && waitingForRetry > 0) {
    return {
      state: 'retrying',
      why: `all that is left, ${some(waitingForRetry, 'entry', 'entries')}, waits for a retry: pending --group ${name} says why it failed`,
    }
  }
  if (oldestUnhandledMs > SLOW_MS && setAside < unhandled + setAside) {
    return {
      state: 'slow',
      why: `the oldest entry has waited for ${span(oldestUnhandledMs)}: pending --group ${name} says who has it`,
    }
  }
  return typesPaused === undefined ? { state: 'working' } : { state: 'working', why: typesPaused }
}
