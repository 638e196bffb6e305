import type { BenchEvent, EventData } from './event.ts'

export type ServerKind = 'redis' | 'nats' | 'postgres' | 'rabbitmq'

/** Where a contestant works: a server that only this run uses, and a stream or queue on it. */
export interface Place {
  url: string
  queue: string
}

export interface ConsumerOptions extends Place {
  /** What stands in for a lease at this contestant: how long the work of a dead consumer stays with it. Default: its own default. */
  leaseMs?: number | undefined
  handle: (data: EventData) => void | Promise<void>
  /** To be called for each event once the server has answered that it is done. */
  acknowledged: () => void
}

export interface Publisher {
  /** Resolves once the server has answered for all of them. */
  publish(events: readonly BenchEvent[]): Promise<void>
  close(): Promise<void>
}

export interface Consumer {
  /** Resolves once nothing of it is left. */
  close(): Promise<void>
}

/** One of those that are compared. Both functions create what they need on the server, if it is not there yet. */
export interface Contestant {
  /** How it is set, for people: as its documentation recommends for throughput. */
  settings: string
  openPublisher(place: Place): Promise<Publisher>
  /** Resolves once it reads. */
  openConsumer(options: ConsumerOptions): Promise<Consumer>
}

/** These events in pieces of this size. */
export function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size)
}
