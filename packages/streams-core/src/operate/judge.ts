import { some, span } from '../base/words.ts'
import type { GroupState } from '../broker/inspect.ts'
import { whyOf } from './hindrance.ts'

/** An entry that was published longer ago than this, and is not handled, should be looked at. */
const SLOW_MS = 60_000

/** What is judged by. */
export type Judged = Pick<
  GroupState,
  | ('lag' | 'pending' | 'waitingForRetry' | 'oldestUnhandledMs' | 'droppedUnread' | 'alive' | 'silentMs')
  | ('paused' | 'pausedTypes' | 'limitPerSecond')
>

export interface Judgement {
  /**
   * `idle`: it has nothing to do. `partly-paused`: one of its event types is. `limited`: its limit holds it up. `retrying`:
   * all that it has not handled waits for a retry. `slow`: an entry that it has not handled was published more than a minute
   * ago, and it is none of these.
   */
  state:
    | ('idle' | 'working' | 'paused' | 'circuit-open' | 'partly-paused' | 'no-consumer')
    | ('limited' | 'retrying' | 'slow')
  /** What is the matter, in a few words; undefined where nothing is. */
  why?: string
  /** Which groups to look at first. 2: something holds it up. 1: it works or is idle, and there is a `why`. 0: all is well. */
  urgency: 0 | 1 | 2
}

/** Says which state a group is in, and why: the first of the reasons that holds. And that it has lost entries. */
export function judgeGroup(group: Judged): Judgement {
  const { state, why } = judge(group)
  const lost = `${entries(group.droppedUnread)} dropped before the group had handled them (RETENTION=maxlen)`
  const types = state === 'partly-paused' ? undefined : typesText(group)
  const reasons = [why, types, group.droppedUnread > 0 ? lost : undefined].filter((reason) => reason !== undefined)
  if (reasons.length === 0) return { state, urgency: 0 }
  return { state, why: reasons.join('; '), urgency: state === 'idle' || state === 'working' ? 1 : 2 }
}

const entries = (number: number) => some(number, 'entry', 'entries')

function typesText({ pausedTypes }: Judged): string | undefined {
  const types = pausedTypes.map(({ eventType, setAside }) => `${eventType} (${entries(setAside)} set aside)`)
  return types.length > 0 ? `paused event types: ${types.join(', ')}` : undefined
}

function judge(group: Judged): Omit<Judgement, 'urgency'> {
  const { paused, pausedTypes, limitPerSecond, lag, pending, waitingForRetry, oldestUnhandledMs } = group
  if (paused) {
    return { state: paused.by === 'circuit' ? 'circuit-open' : 'paused', why: whyOf({ type: 'paused', ...paused }) }
  }
  const setAside = pausedTypes.reduce((sum, type) => sum + type.setAside, 0)
  const why = typesText(group)
  const partly: ReturnType<typeof judge> = { state: 'partly-paused', ...(why && { why }) }
  const atRest: ReturnType<typeof judge> = why ? partly : { state: 'idle' }
  if (lag + pending + waitingForRetry + setAside === 0) return atRest
  if (group.alive === 0) return { state: 'no-consumer', why: whyOf({ type: 'no-consumer', silentMs: group.silentMs }) }
  // What is set aside is counted among the oldest: how long anything else has waited is not known.
  if (setAside > 0) return partly
  const isSlow = oldestUnhandledMs > SLOW_MS
  if (limitPerSecond !== undefined && lag > 0) {
    return {
      state: isSlow ? 'limited' : 'working',
      why: `limited to ${some(limitPerSecond, 'handler start')} a second`,
    }
  }
  if (isSlow && lag + pending === 0) {
    return { state: 'retrying', why: `all that is left waits for a retry: ${entries(waitingForRetry)}` }
  }
  if (isSlow)
    return {
      state: 'slow',
      why: `the oldest entry that it has not handled was published ${span(oldestUnhandledMs)} ago`,
    }
  return why ? partly : { state: 'working' }
}
