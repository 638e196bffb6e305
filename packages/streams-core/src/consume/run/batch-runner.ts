import { now } from '../../base/clock.ts'
import type { BatchHandler } from '../../define/batch.ts'
import type { RunResult } from '../../define/outcome.ts'
import { resultOfThrown } from '../../define/verbs.ts'
import type { HandlerTrace } from '../../tell/trace.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Admitted } from './admission.ts'
import { BatchCall, type BatchMember } from './batch-call.ts'
import { Commit } from './commit.ts'
import type { RunnerActors, RunnerOptions } from './runner.ts'
import { withinTimeLimit } from './time-limit.ts'

const RETURNED: RunResult = { result: 'returned' }
const LEASE_LOST: RunResult = { result: 'lease-lost' }
const UNFINISHED: RunResult = { result: 'unfinished' }

/** What runs: deliveries for one batch handler, each of which is given its result once. */
export interface Batch {
  readonly handler: BatchHandler
  /** Once its handler is told to stop, no part of it is handled again. */
  readonly isInterrupted: boolean
  /** Whether this delivery has no result yet. */
  isOpen(delivery: Delivery): boolean
  /** Gives one delivery its result, before the others have theirs. */
  endOne(delivery: Delivery, result: RunResult): void
}

/**
 * Runs the batch handler on the events of a batch, leaving out those that are not to be run. When `handle` throws or
 * takes too long, the batch is halved, and the halves are handled one after the other, until the events are found that
 * fail alone: so no event fails, or is charged, because of its neighbours.
 */
export class BatchRunner {
  readonly #options: RunnerOptions
  readonly #actors: RunnerActors

  constructor(options: RunnerOptions, actors: RunnerActors) {
    this.#options = options
    this.#actors = actors
  }

  /** Gives each delivery its result as soon as it is known; returns the result of those that are left. Never rejects. */
  async run(batch: Batch, deliveries: readonly Delivery[]): Promise<RunResult> {
    const parts = [await this.#admit(batch, deliveries)]
    let isFirst = true
    const { gate } = this.#actors
    for (let part = parts.shift(); part; part = parts.shift()) {
      // The handler is told to stop: which of the events made it fail is not looked for any more.
      if (batch.isInterrupted && !isFirst) return UNFINISHED
      isFirst = false
      const most = gate.largestBatch
      // No second may have more starts than the limit of the group: a larger batch is handled in several calls.
      const pieces = part.length > most ? [part.slice(0, most), part.slice(most)] : await this.#handle(batch, part)
      parts.unshift(...pieces)
    }
    // Every delivery has its result by now: this one goes to none.
    return RETURNED
  }

  /** The events whose handler is to run; the other deliveries get their result. */
  async #admit(batch: Batch, deliveries: readonly Delivery[]): Promise<BatchMember[]> {
    const { admission, gate } = this.#actors
    const admit = async (delivery: Delivery): Promise<Admitted> => {
      const examined = gate.bars(delivery) ?? admission.examine(delivery)
      if ('result' in examined || !admission.isUnconfirmed(delivery)) return examined
      return (await admission.confirm(delivery, examined.event.id)) ?? examined
    }
    const admitted = await Promise.all(deliveries.map(admit))
    return deliveries.flatMap((delivery, i) => {
      const found = admitted[i] as (typeof admitted)[number]
      if (!('result' in found)) return [{ event: found.event, delivery }]
      batch.endOne(delivery, found)
      return []
    })
  }

  /** Calls the handler on a part of a batch. Returns the parts of it that are to be handled again. */
  async #handle(batch: Batch, candidates: readonly BatchMember[]): Promise<BatchMember[][]> {
    const part = await this.#enter(batch, candidates)
    if (part.length === 0) return []
    // `#enter` gives it back too large when the limit was lowered meanwhile: `run` cuts it.
    if (part.length > this.#actors.gate.largestBatch) return [part]
    const commit = new Commit(this.#actors)
    const call = new BatchCall(part, this.#options, commit)
    for (const { delivery } of part) delivery.isCalled = true
    const result = await this.#call(batch.handler, part, call)
    await call.close()

    const unnamed: BatchMember[] = []
    for (const member of part) {
      const named = call.namedFor(member)
      if (named) batch.endOne(member.delivery, named)
      else unnamed.push(member)
    }
    // The commit wrote nothing. Those whose lease is lost are left out before the others are handled again.
    if (call.committed?.result === 'lease-lost') return [unnamed]
    const isKnown = result.result === 'returned' || part.length === 1
    const known = call.committed ?? (isKnown ? result : undefined)
    if (!known) return halvesOf(unnamed)
    for (const { delivery } of unnamed) batch.endOne(delivery, delivery.lease.isLost ? LEASE_LOST : known)
    return []
  }

  /**
   * Waits until the handler may be called. Returns the events that it is to be called for; more than one call may have,
   * if the limit of the group was lowered meanwhile.
   */
  async #enter(batch: Batch, candidates: readonly BatchMember[]): Promise<BatchMember[]> {
    const { gate } = this.#actors
    for (;;) {
      const part = await this.#stillOurs(batch, candidates)
      const [first, ...others] = part.map(({ delivery }) => delivery)
      if (!first || gate.isClear) return part
      const barred = await gate.enter([first, ...others])
      if (part.length > gate.largestBatch) return part
      const startedAt = now()
      for (const { delivery } of part) if (batch.isOpen(delivery)) delivery.startedAt = startedAt
      if (barred) for (const { delivery } of part) batch.endOne(delivery, barred)
      // The wait may have taken so long that leases are over, or the handler was told to stop.
      const isReady = part.every(({ delivery }) => batch.isOpen(delivery) && delivery.lease.isSure)
      if (barred || isReady) return barred ? [] : part
    }
  }

  /** Leaves out what has got a result meanwhile, and those that are not to run because of their lease: they get theirs. */
  async #stillOurs(batch: Batch, members: readonly BatchMember[]): Promise<BatchMember[]> {
    const { admission } = this.#actors
    const notToRun = await Promise.all(members.map(({ delivery }) => admission.confirmLease(delivery)))
    return members.filter(({ delivery }, i) => {
      const result = notToRun[i]
      if (result) batch.endOne(delivery, result)
      return batch.isOpen(delivery)
    })
  }

  /** How the call ended. The time limit is one for each call, not for the whole batch. */
  #call(handler: BatchHandler, part: readonly BatchMember[], call: BatchCall): Promise<RunResult> {
    const { timeoutMs } = this.#options
    const calling = callHandle(handler, part, call, this.#actors.trace)
    if (timeoutMs === 0) return calling
    return withinTimeLimit(timeoutMs, calling, (reason) => call.tellToStop(reason))
  }
}

function halvesOf(members: readonly BatchMember[]): BatchMember[][] {
  const half = Math.ceil(members.length / 2)
  return [members.slice(0, half), members.slice(half)]
}

async function callHandle(
  { handle }: BatchHandler,
  part: readonly BatchMember[],
  call: BatchCall,
  trace: HandlerTrace | undefined,
): Promise<RunResult> {
  const events = part.map(({ event }) => event)
  try {
    await (trace ? trace(events, () => handle(events, call.context)) : handle(events, call.context))
    return RETURNED
  } catch (error) {
    return resultOfThrown(error)
  }
}
