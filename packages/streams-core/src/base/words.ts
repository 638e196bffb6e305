// Numbers, time spans and times as operators read them.

/** 12,345 */
export const count = (value: number): string => value.toLocaleString('en-US')

/** "1 entry", "12,345 entries" */
export const some = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`

const SECOND = 1_000
const UNITS: [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
]

/** A time span, short: "120 ms", "4.2 s", "12 min", "3 h 5 min", "2 d 4 h". */
export function span(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`
  if (ms < 60 * SECOND) return `${Math.round(ms / SECOND)} s`
  const at = UNITS.findIndex(([, unitMs]) => ms >= unitMs)
  const [name, unitMs] = UNITS[at] as [string, number]
  const whole = `${Math.floor(ms / unitMs)} ${name}`
  const [next, nextMs] = UNITS[at + 1] ?? ['', 0]
  const rest = nextMs === 0 ? 0 : Math.floor((ms % unitMs) / nextMs)
  return rest === 0 ? whole : `${whole} ${rest} ${next}`
}

/** "2026-11-03 19:55:48Z" of a time in RFC 3339. */
export function moment(iso: string | undefined): string {
  return iso === undefined ? 'at an unknown time' : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`
}
