import { moment, span } from '../base/words.ts'
import type { GroupView, PendingEntry, Workers } from '../broker/find.ts'
import { typeSetAside } from '../broker/pseudo-consumers.ts'
import { isSilent } from '../broker/tally.ts'
import type { ControlsState, Pause } from '../define/controls.ts'
import type { EventState } from './event-state.ts'
import { leaseLeftMs } from './lease.ts'

/** What keeps a group from going on with an entry. */
export type Hindrance =
  /**
   * The consumer that holds the entry has given no sign of life for half of its lease: it is dead, or cut off from Redis.
   * `silentMs`: since its last sign of life. `leaseLeftMs`: until others may take the entry; 0: they may.
   */
  | { type: 'holder-silent'; consumer: string; silentMs: number; leaseLeftMs: number }
  /** The group is paused, by an operator or by its circuit. */
  | ({ type: 'paused' } & NonNullable<ControlsState['paused']>)
  /** The type of the event is paused in the group. */
  | ({ type: 'type-paused'; eventType: string } & Pause)
  /** No consumer is at work. `silentMs`: since one has last given a sign of life; undefined: the group never had one. */
  | { type: 'no-consumer'; silentMs: number | undefined }

const OPEN: readonly EventState['type'][] = ['undelivered', 'held', 'waiting-for-retry', 'crash-suspect', 'set-aside']

/**
 * All that hold, in the order in which they are told. None where a living consumer has the entry in hand, or the group has
 * done with it.
 */
export function hindrancesOf(
  state: EventState,
  { pending, workers }: GroupView,
  eventType: string | undefined,
): Hindrance[] {
  if (!workers || !OPEN.includes(state.type)) return []
  const silence = pending && silenceOf(state, pending, workers)
  if (state.type === 'held' && state.role !== 'left' && !silence) return []
  const { controls, alive, silentMs } = workers
  const { paused } = controls
  const type = (state.type === 'set-aside' ? typeSetAside(state.owner) : undefined) ?? eventType
  const pausedType = controls.pausedTypes.find((one) => one.eventType === type)
  return [
    ...(silence ? [silence] : []),
    ...(paused ? [{ type: 'paused' as const, ...paused }] : []),
    ...(pausedType ? [{ type: 'type-paused' as const, ...pausedType }] : []),
    ...(alive === 0 ? [{ type: 'no-consumer' as const, silentMs }] : []),
  ]
}

/** What an earlier process has left waits for nothing: others may take it, whether its name is alive or not. */
function silenceOf(state: EventState, pending: PendingEntry, { holder, leaseMs }: Workers): Hindrance | undefined {
  if (!holder || !('consumer' in state) || state.consumer === undefined) return undefined
  if (state.type === 'held' && state.role === 'left') return undefined
  const { consumer } = state
  const silentMs = Math.min(holder.silentMs, pending.idleMs)
  if (!isSilent(silentMs, holder.leaseMs)) return undefined
  return { type: 'holder-silent', consumer, silentMs, leaseLeftMs: leaseLeftMs(pending.idleMs, leaseMs) }
}

/** What a hindrance is, in words. */
export function whyOf(hindrance: Hindrance): string {
  switch (hindrance.type) {
    case 'holder-silent': {
      const { consumer, silentMs, leaseLeftMs: leftMs } = hindrance
      const when = leftMs > 0 ? ` in ${span(leftMs)}` : ''
      return `${consumer} has given no sign of life for ${span(silentMs)}: others may take the entry${when}`
    }
    case 'paused': {
      const by = hindrance.by === 'circuit' ? 'by its circuit, because its handlers fail' : 'by an operator'
      return `paused ${by}, ${sinceOf(hindrance)}`
    }
    case 'type-paused':
      return `the event type ${hindrance.eventType} is paused, ${sinceOf(hindrance)}`
    case 'no-consumer': {
      const { silentMs } = hindrance
      const seen = silentMs === undefined ? 'it never had one' : `for ${span(silentMs)} none has given a sign of life`
      return `no consumer is at work, ${seen}: start one, or see why they ended`
    }
    default:
      return hindrance satisfies never
  }
}

const sinceOf = ({ since, reason }: Pause) => `since ${moment(since)}${reason ? `: ${reason}` : ''}`
