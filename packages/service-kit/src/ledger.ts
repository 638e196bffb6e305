import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { HandlerResult, Outcome } from '@redis-streams-processor/streams-core'

/** What happened, as seen from outside Redis. One JSON object a line. */
export type LedgerLine = { at: number } & (
  | { what: 'attempted'; id: string; type: string; subject?: string | undefined }
  | { what: 'published'; id: string; entryId: string; duplicate: boolean }
  | { what: 'refused'; id: string; error: string }
  | { what: 'joined'; group: string; consumer: string }
  /** A handler was started, its `commit` was done, or it ended; a line about the end is named after the result. */
  | ({ what: 'started' | 'committed' | HandlerResult['result'] } & LedgerDelivery)
  /** What became of a delivery, as the consumer reports it. */
  | ({ what: 'settled'; outcome: Outcome['type'] } & LedgerDelivery)
)

/** What each line about a delivery holds. */
export interface LedgerDelivery {
  /** The event id; the entry id where the entry could not be decoded. */
  id: string
  entryId: string
  group: string
  consumer: string
  attempt: number
}

/** The lines that are about a delivery. */
export type DeliveryLine = Extract<LedgerLine, LedgerDelivery>

/** Folder by folder: Node's own `recursive` never returns where the system allows no folder, as below /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}

type Unstamped<T> = T extends unknown ? Omit<T, 'at'> : never

/**
 * A ledger that a SIGKILL cannot take back: each line is handed to the operating system before the call returns.
 * Without a folder nothing is recorded. What a ledger cannot record must not change what becomes of an event: no call
 * throws. At the first failure the ledger ends, and `onFailure` is told, once; what that throws is thrown.
 */
export class Ledger {
  readonly #onFailure: (error: Error) => void
  #file: number | undefined

  /** @param onFailure Default: tells standard error. */
  constructor(folder: string | undefined, name: string, onFailure = tellFailure) {
    this.#onFailure = onFailure
    if (folder === undefined) return
    this.#try(() => {
      makeFolder(resolve(folder))
      this.#file = openSync(join(folder, `${name}-${hostname()}-${process.pid}-${Date.now()}.jsonl`), 'a')
    })
  }

  write(line: Unstamped<LedgerLine>): void {
    const file = this.#file
    if (file === undefined) return
    const bytes = Buffer.from(`${JSON.stringify({ at: Date.now(), ...line })}\n`)
    this.#try(() => {
      if (writeSync(file, bytes) < bytes.length) throw new Error('only a part of a line could be written')
    })
  }

  close(): void {
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) this.#try(() => closeSync(file))
  }

  #try(record: () => void): void {
    try {
      record()
    } catch (error) {
      this.close()
      this.#onFailure(error as Error)
    }
  }
}

/** What a service says on standard error when its ledger fails. */
export const LEDGER_FAILED = 'The ledger has failed, and records nothing more: '

const tellFailure = ({ message }: Error) => console.error(`${LEDGER_FAILED}${message}`)

/** Every whole line of every ledger in a folder. A line that a kill has cut short is left out. */
export function readLedger(folder: string): LedgerLine[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as LedgerLine)
}
