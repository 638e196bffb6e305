import type { Connection } from './connection.ts'
import type { Keys } from './keys.ts'
import { aloneName, crashedName, suspectName } from './pseudo-consumers.ts'

/** One consumer of a group, as its brokers need it: connection, keys, and the names that own its entries. */
export class Member {
  readonly connection: Connection
  readonly keys: Keys
  readonly group: string
  readonly consumer: string
  readonly leaseMs: number
  /** Its name while it runs one entry alone. */
  readonly alone: string
  /** Its name for an entry that is to be dead-lettered as crashed. */
  readonly crashed: string
  /** Its name for a crash suspect that waits to be run alone. */
  readonly suspect: string

  constructor(connection: Connection, keys: Keys, options: { group: string; consumer: string; leaseMs: number }) {
    this.connection = connection
    this.keys = keys
    this.group = options.group
    this.consumer = options.consumer
    this.leaseMs = options.leaseMs
    this.alone = aloneName(options.consumer)
    this.crashed = crashedName(options.consumer)
    this.suspect = suspectName(options.consumer)
  }

  get stream(): string {
    return this.keys.stream
  }

  get history(): string {
    return this.keys.history(this.group)
  }

  get due(): string {
    return this.keys.due(this.group)
  }

  get controls(): string {
    return this.keys.controls(this.group)
  }

  get tally(): string {
    return this.keys.tally(this.group)
  }

  get runs(): string {
    return this.keys.runs(this.group, this.consumer)
  }

  get clock(): string {
    return this.keys.clock(this.group)
  }
}
