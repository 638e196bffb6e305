// Numbers, durations and times as the page writes them.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

export const count = (number) => whole.format(number)

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`

/** @param number Undefined or null: not known. */
export function rate(number) {
  if (number === undefined || number === null) return '–'
  return number >= 10 || number === 0 ? whole.format(number) : fine.format(number)
}

export function seconds(ms) {
  return `${fine.format(ms / 1_000)} s`
}

/** Two units at most: 850 ms, 4.2 s, 3 min 20 s, 2 h 5 min. */
export function duration(ms) {
  if (ms < 1_000) return `${whole.format(ms)} ms`
  if (ms < 60_000) return seconds(ms)
  const total = Math.round(ms / 1_000)
  const [days, hours, minutes] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3_600) % 24,
    Math.floor(total / 60) % 60,
  ]
  if (days > 0) return `${days} d ${hours} h`
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${total % 60} s`
}

/** Of the oldest of something, of which there may be nothing. */
export const age = (ms) => (ms === 0 ? '–' : duration(ms))

const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

export const clock = (time) => clockTime.format(new Date(time))

/** A line may break between the date and the time, and nowhere else. */
export function moment(time) {
  if (time === undefined) return 'unknown'
  const [date, atTime] = dayTime.format(new Date(time)).split(', ')
  return `${date.replaceAll(' ', '\u00a0')}, ${atTime}`
}

/** A sentence of the library, which names times in UTC, with its times as the page writes them. */
export const withOurTimes = (text) =>
  text.replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)Z/g, (_, day, time) => moment(`${day}T${time}Z`))

/** The time zone in which they are written. */
export const timeZone = () => clockTime.resolvedOptions().timeZone

/** A time as a field for times holds it: to the second, in the time zone of the browser. */
export function localTime(ms) {
  const offsetMs = new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - offsetMs).toISOString().slice(0, 19)
}

/** When an event was published, by the id of its entry. */
export const timeOfId = (entryId) => Number(entryId.split('-', 1)[0])
