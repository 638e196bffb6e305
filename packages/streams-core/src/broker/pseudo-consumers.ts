// Names in a consumer group behind which no process stands. A consumer's own name never holds a "~".

/** Owner of the entries that are parked: retried or released, and waiting for their next delivery. */
export const RETRY_CONSUMER = '~retry'

/** Owner of the crash suspects that wait for a consumer to run them alone. */
export const SUSPECTS = '~suspect'

/** Followed by an event type: owner of the entries that are set aside because this type is paused. */
export const SET_ASIDE_PREFIX = '~paused~'

/** The same for crash suspects, which become suspects again once the type is resumed. */
export const SUSPECT_SET_ASIDE_PREFIX = '~paused-suspect~'

export const setAsideName = (eventType: string): string => `${SET_ASIDE_PREFIX}${eventType}`
export const suspectSetAsideName = (eventType: string): string => `${SUSPECT_SET_ASIDE_PREFIX}${eventType}`

/** The event type whose entries a name owns that were set aside. Undefined for other names. */
export function typeSetAside(name: string): string | undefined {
  const prefix = [SET_ASIDE_PREFIX, SUSPECT_SET_ASIDE_PREFIX].find((one) => name.startsWith(one))
  return prefix && name.slice(prefix.length)
}

/** Whether nobody holds the entries under this name: they wait for a retry, or for the end of a pause. */
export const isWaitingName = (name: string): boolean => name === RETRY_CONSUMER || typeSetAside(name) !== undefined

export const ALONE_SUFFIX = '~alone'
export const SUSPECT_SUFFIX = '~suspect'

/** Owner of the entry that a consumer runs with nothing else in flight: if the consumer dies, the entry is guilty. */
export const aloneName = (consumer: string): string => `${consumer}${ALONE_SUFFIX}`

/** Owner of an entry that has killed another consumer while it ran alone: guilty, even if this consumer dies as well. */
export const crashedName = (consumer: string): string => aloneName(`${consumer}~crashed`)

/** Owner of a crash suspect that a consumer has taken and not yet started: if the consumer dies, that proves nothing. */
export const suspectName = (consumer: string): string => `${consumer}${SUSPECT_SUFFIX}`

export const LEFT_SUFFIX = '~left'

/** Owner of what a dead process held, once another process has started under the same name. */
export const predecessorName = (consumer: string): string => `${consumer}${LEFT_SUFFIX}`

/**
 * What a name in a group stands for. `own`: a consumer, for what it runs or has buffered. `alone`, `suspect`, `crashed`:
 * the same consumer, for a crash suspect that it runs with nothing else, has taken, or is about to dead-letter. `left`: an
 * earlier process of the same name. `suspects`: nobody; crash suspects that wait.
 */
export type HolderRole = 'own' | 'alone' | 'suspect' | 'crashed' | 'left' | 'suspects'

/** The consumer behind a name, empty for `suspects`, and what for. */
export function holderOf(name: string): { consumer: string; role: HolderRole } {
  const [consumer = '', ...words] = name.split('~')
  if (consumer === '') return { consumer, role: 'suspects' }
  if (words.includes('left')) return { consumer, role: 'left' }
  if (words.includes('crashed')) return { consumer, role: 'crashed' }
  if (words.includes('alone')) return { consumer, role: 'alone' }
  return { consumer, role: words.includes('suspect') ? 'suspect' : 'own' }
}
