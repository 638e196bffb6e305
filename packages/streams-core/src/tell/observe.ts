import { type Logger, newLog } from './log.ts'
import type { Report, Tell } from './report.ts'

type Observer = (report: Report) => unknown

/** Tells a logger and an observer, as far as there are any. */
export function newTell(logger?: Logger, onReport?: Observer): Tell {
  const observers: Observer[] = []
  if (logger) observers.push(newLog(logger))
  if (onReport) observers.push(onReport)
  const tell = (report: Report) => {
    for (const observer of observers) observe(observer, report)
  }
  return Object.assign(tell, { isHeard: observers.length > 0 })
}

/**
 * What an observer throws, now or later as the rejection of its promise, is ignored: an observer's mistake must not
 * change the work that it observes. No async function, which would cost a promise for each event.
 */
function observe(observer: Observer, report: Report): void {
  try {
    const answer = observer(report)
    if (typeof answer === 'object') Promise.resolve(answer).catch(() => {})
  } catch {}
}
