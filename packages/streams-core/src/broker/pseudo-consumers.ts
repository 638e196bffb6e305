// Names in a consumer group behind which no process stands. A consumer's own name never holds a "~".

/** Owner of the entries that are parked: retried or released, and waiting for their next delivery. */
export const RETRY_CONSUMER = '~retry'

export const ALONE_SUFFIX = '~alone'
export const SUSPECT_SUFFIX = '~suspect'

/** Owner of the entry that a consumer runs with nothing else in flight: if the consumer dies, the entry is guilty. */
export const aloneName = (consumer: string): string => `${consumer}${ALONE_SUFFIX}`

/** Owner of a crash suspect that waits to be run alone: if the consumer dies, that proves nothing. */
export const suspectName = (consumer: string): string => `${consumer}${SUSPECT_SUFFIX}`

/** Owner of what a dead process held, once another process has started under the same name. */
export const predecessorName = (consumer: string): string => `${consumer}~left`
