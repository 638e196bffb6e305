import { setTimeout as sleep } from 'node:timers/promises'
import { UNLUCKY_USER } from '@redis-streams-processor/events'
import { type Webhook, WebhookSender } from '../webhook-sender.ts'
import type { Stack } from './stack.ts'

/** More than can be sent: the speed is that of the endpoint. */
const AT_ONCE_PER_SECOND = 100_000
const TRICKLE_PER_SECOND = 20
/** An hour of it. */
const TRICKLE = 72_000
const TAKEN_MS = 120_000
const LOOK_MS = 200
/** 0: the connection was lost. 200: a duplicate. 503: sent again later. */
const ALLOWED = [0, 200, 202, 503]
/** Its handlers always fail. */
const TWICE = 'once-0'

/** A sender of signed webhooks outside of all containers, at the port that Compose publishes. */
export class Outside {
  readonly #stack: Stack
  readonly #sender: WebhookSender
  readonly #events: number
  #trickle: Promise<void> | undefined

  /** @param events How many it sends at once. */
  constructor(stack: Stack, events: number) {
    const { port, ledgerFolder, webhookSecret: secret } = stack
    this.#stack = stack
    this.#sender = new WebhookSender({ port, ledgerFolder, secret })
    this.#events = events
  }

  /** Resolves when all are taken. The first one always fails, and is sent once more at the end. */
  async sendAtOnce(): Promise<void> {
    const first: Webhook = { id: TWICE, userId: UNLUCKY_USER }
    const others = Array.from({ length: this.#events - 1 }, (_, n) => webhook('once', n + 1))
    const sending = this.#sender.sendAll([first, ...others, first], AT_ONCE_PER_SECOND).then(() => true)
    const look = () => Promise.race([sending, sleep(LOOK_MS, false)])
    await this.#stack.until('the endpoint takes all webhooks', look, TAKEN_MS)
  }

  /** Sends on, a few each second, until `close`. */
  sendOn(): void {
    const webhooks = Array.from({ length: TRICKLE }, (_, n) => webhook('on', n))
    this.#trickle = this.#sender.sendAll(webhooks, TRICKLE_PER_SECOND)
  }

  /** What has no answer by now has none. */
  async close(): Promise<void> {
    this.#sender.close()
    await this.#trickle
  }

  /** How often each status was answered. */
  get told(): string {
    return this.#sender.told
  }

  /** What is wrong with the answers that this sender was given. */
  complaints(): string[] {
    const { answers, taken, told } = this.#sender
    const published = [...taken.keys()].filter((id) => id.startsWith('once-')).length
    const missing = ALLOWED.filter((status) => status > 0 && !answers.has(status))
    const strange = [...answers.keys()].filter((status) => !ALLOWED.includes(status))
    return [
      ...(published < this.#events ? [`only ${published} of ${this.#events} webhooks were taken`] : []),
      ...(taken.get(TWICE) === 2 ? [] : [`the webhook that was sent twice was taken ${taken.get(TWICE)} times`]),
      ...(missing.length > 0 ? [`no webhook was answered ${missing.join(' or ')} (${told})`] : []),
      ...(strange.length > 0 ? [`webhooks were answered ${strange.join(' and ')} (${told})`] : []),
    ]
  }
}

const webhook = (series: string, n: number): Webhook => ({ id: `${series}-${n}`, userId: `user_${2_000 + (n % 50)}` })
