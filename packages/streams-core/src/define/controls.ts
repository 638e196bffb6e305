import { z } from 'zod'

/** Why and since when a group, or one event type of it, is paused. */
export interface Pause {
  /** When it was paused, by Redis' clock. RFC 3339. */
  since: string
  /** Undefined where none was given. */
  reason: string | undefined
}

/** What controls a consumer group from outside. */
export interface ControlsState {
  /**
   * Undefined while the group is not paused. `by`: an operator, or the circuit of a consumer. If both have paused the
   * group, the operator is named.
   */
  paused: (Pause & { by: 'operator' | 'circuit' }) | undefined
  /** The paused event types, in alphabetical order. */
  pausedTypes: (Pause & { eventType: string })[]
  /** How many handlers the consumers of the group together may start in any second. Undefined: no limit. */
  limitPerSecond: number | undefined
}

/** The fields of the hash that keeps the controls of a group. A pause is the time (ms), a space, and the reason. */
export const PAUSED_FIELD = 'paused'
/** Followed by the event type. */
export const PAUSED_TYPE_FIELD = 'paused:'
export const LIMIT_FIELD = 'limit'
export const CIRCUIT_FIELD = 'circuit'
/** How often a delivery is probed while the circuit is open (ms), a space, and when the next probe may start (ms). */
export const PROBE_FIELD = 'probe'

/** What is in force for a group, as its consumers need it. */
export interface InForce {
  operator: Pause | undefined
  circuit: Pause | undefined
  types: ReadonlyMap<string, Pause>
  limitPerSecond: number | undefined
}

export const NOTHING_IN_FORCE: InForce = {
  operator: undefined,
  circuit: undefined,
  types: new Map(),
  limitPerSecond: undefined,
}

/** @param flat The hash that keeps the controls: field, value, … */
export function inForceOf(flat: readonly string[]): InForce {
  if (flat.length === 0) return NOTHING_IN_FORCE
  const hash = new Map<string, string>()
  for (let i = 0; i + 1 < flat.length; i += 2) hash.set(flat[i] as string, flat[i + 1] as string)
  const types = [...hash]
    .filter(([field]) => field.startsWith(PAUSED_TYPE_FIELD))
    .map(([field, text]): [string, Pause] => [field.slice(PAUSED_TYPE_FIELD.length), pauseOf(text)])
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const [operator, circuit, limit] = [PAUSED_FIELD, CIRCUIT_FIELD, LIMIT_FIELD].map((field) => hash.get(field))
  return {
    operator: operator === undefined ? undefined : pauseOf(operator),
    circuit: circuit === undefined ? undefined : pauseOf(circuit),
    types: new Map(types),
    limitPerSecond: limit === undefined ? undefined : Number(limit),
  }
}

export function stateOf({ operator, circuit, types, limitPerSecond }: InForce): ControlsState {
  const paused =
    (operator && { by: 'operator' as const, ...operator }) ?? (circuit && { by: 'circuit' as const, ...circuit })
  return { paused, pausedTypes: [...types].map(([eventType, pause]) => ({ eventType, ...pause })), limitPerSecond }
}

function pauseOf(text: string): Pause {
  const [, ms = '', reason = ''] = /^(\d+) ?(.*)$/s.exec(text) ?? []
  return { since: new Date(Number(ms)).toISOString(), reason: reason || undefined }
}

const eventType = z.string().min(1).max(200)

export const pauseSchema = z.strictObject({ eventType: eventType.optional(), reason: z.string().max(500).optional() })
export const resumeSchema = z.strictObject({ eventType: eventType.optional() })

/** A fraction above 1 would promise what no second can hold. */
export const limitSchema = z
  .number()
  .min(0.001)
  .max(10_000)
  .refine((perSecond) => perSecond < 1 || Number.isInteger(perSecond), 'a whole number, or less than 1')
