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

export interface EndpointOptions extends Place {
  port: number
  /** Who has it may send webhooks, signed by Standard Webhooks. */
  secret: string
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

/** One of those that are compared. All functions create what they need on the server, if it is not there yet. */
export interface Contestant {
  /** How it is set, for people: as its documentation recommends for throughput. */
  settings: string
  openPublisher(place: Place): Promise<Publisher>
  /** Resolves once it reads. */
  openConsumer(options: ConsumerOptions): Promise<Consumer>
  /**
   * Opens an endpoint for webhooks on 127.0.0.1, which lasts as long as the process. Loads what it needs itself, so that
   * no other worker has it in its memory.
   * @returns where webhooks are to be sent.
   */
  openEndpoint?(options: EndpointOptions): Promise<string>
}

/** These events in pieces of this size. */
export function* pieces<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size)
}
