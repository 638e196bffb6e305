import { type Source, type UserEvents, verify } from '@redis-streams-processor/events'
import type { Ledger, TracingOption } from '@redis-streams-processor/service-kit'
import {
  InvalidEventError,
  type Logger,
  type Producer,
  type Published,
  RedisRefusedError,
  StreamsError,
} from '@redis-streams-processor/streams-core'
import { withLedger } from '../publish.ts'
import { type Answer, answers, type RefusalReason, refusals } from './answers.ts'
import { asItCame, type Delivery, notUnderstood, type Received, toReceived } from './received.ts'
import { inTraceOf, traceOf } from './sender-trace.ts'
import type { Tally } from './tally.ts'

export interface ReceiverOptions {
  name: string
  source: Source
  keys: readonly Buffer[]
  toleranceMs: number
}

export interface ReceiverActors {
  producer: Producer<UserEvents>
  ledger: Ledger
  logger: Logger
  tally: Tally
  /** Undefined: no spans are made. */
  tracing?: TracingOption | undefined
  /** Redis refuses for good. */
  onRefused: (error: RedisRefusedError) => void
}

/** V8 cannot write JSON again that has some 4,000 levels. */
const MAX_LEVELS = 1_000

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Receives the webhooks of one source. The answer is 2xx once Redis has the event, never before; and what is signed is
 * appended whatever it says.
 */
export class Receiver {
  readonly name: string
  /** Where it is served; events have it as their source. */
  readonly path: string
  readonly source: Source
  readonly #options: ReceiverOptions
  readonly #actors: ReceiverActors

  constructor(options: ReceiverOptions, actors: ReceiverActors) {
    this.name = options.name
    this.path = `/webhooks/${options.name}`
    this.source = options.source
    this.#options = options
    this.#actors = actors
  }

  /** Never rejects. */
  async receive(request: Omit<Delivery, 'json'>, ip: string): Promise<Answer> {
    const { source, keys, toleranceMs } = this.#options
    const verdict = verify(source.scheme, request, { keys, toleranceMs })
    if (verdict !== 'signed') return this.#refuse(verdict, ip)
    const text = textOf(request.body)
    const json = text === undefined ? undefined : parse(text)
    if (text === undefined || json === undefined) return this.#refuse('no-json', ip)
    const delivery = { headers: request.headers, body: request.body, json }
    const received = this.#understand(delivery)
    if ('noEvent' in received) return answers.noEvent(received.noEvent)
    return await this.#publish(received, delivery, text, ip)
  }

  #understand(delivery: Delivery): Received | { noEvent: string } {
    const { name, source } = this.#options
    try {
      return toReceived(name, source, delivery)
    } catch (error) {
      this.#tellNotUnderstood(error)
      return notUnderstood(name, delivery)
    }
  }

  #tellNotUnderstood(error: unknown): void {
    // The message may quote what was sent.
    const line = { source: this.name, error: (error as Error)?.name }
    this.#actors.logger.warn(line, 'webhook not understood, appended as it came')
  }

  async #publish(event: Received, delivery: Delivery, text: string, ip: string): Promise<Answer> {
    const { name } = this
    const { ledger, logger, tally, onRefused } = this.#actors
    const { id: eventId, type, subject } = event
    try {
      const published = await withLedger(ledger, event, () => this.#append(event, delivery, text))
      const { entryId, duplicate, misfit } = published
      logger.info({ eventId, type, subject, source: name, entryId }, duplicate ? 'published before' : 'published')
      if (misfit !== undefined) {
        logger.warn(this.#problem(event, misfit), 'the catalog does not fit this event, appended as it came')
        tally.unfit(name)
      }
      return answers.published(published)
    } catch (error) {
      const isInvalid = error instanceof InvalidEventError
      // What the source made of the delivery cannot be stored: no repetition would change that.
      if (isInvalid && event.data !== delivery.json) {
        this.#tellNotUnderstood(error)
        return this.#publish(asItCame(name, event, delivery), delivery, text, ip)
      }
      const { message } = error as Error
      logger.error(this.#problem(event, message), 'not published')
      if (error instanceof RedisRefusedError) onRefused(error)
      return error instanceof StreamsError && !isInvalid ? answers.unavailable : this.#refuse('broken', ip)
    }
  }

  #problem({ id: eventId, type, subject }: Received, error: string) {
    return { eventId, type, subject, source: this.name, error }
  }

  /** @param text The body. What nests too deep is appended as a text. */
  #append({ id, type, subject, time, data }: Received, { headers }: Delivery, text: string): Promise<Published> {
    const { producer, tracing } = this.#actors
    // Each level takes two characters: most bodies are too short to nest too deep.
    const isTooDeep = text.length > 2 * MAX_LEVELS && nestsDeeper(MAX_LEVELS, data)
    const stored = isTooDeep ? text : data
    const source = this.path
    if (tracing !== undefined)
      return inTraceOf(tracing, headers, () => producer.publishUnchecked(type, stored, { id, source, subject, time }))
    const { traceparent, tracestate } = traceOf(headers)
    return producer.publishUnchecked(type, stored, { id, source, subject, time, traceparent, tracestate })
  }

  #refuse(reason: RefusalReason, ip: string): Answer {
    this.#actors.tally.refused({ source: this.name, reason, ip })
    return refusals[reason]
  }
}

function textOf(body: Buffer): string | undefined {
  try {
    return utf8.decode(body)
  } catch {
    return undefined
  }
}

function nestsDeeper(levels: number, data: unknown): boolean {
  if (typeof data !== 'object' || data === null) return false
  return levels === 0 || Object.values(data).some((inner) => nestsDeeper(levels - 1, inner))
}

/** Undefined: no JSON, which cannot hold `undefined`. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
