import { setTimeout as sleep } from 'node:timers/promises'
import { asRecord, freePort, TcpProxy, type Worker } from '@redis-streams-processor/testbed'
import { STREAM } from '../arena.ts'
import type { Drill, Stage } from '../stage.ts'
import { WebhookSender } from '../webhook-sender.ts'

/** The producer service at one address, with a proxy of its own between it and Redis. */
class Ingress {
  readonly sender: WebhookSender
  readonly proxy: TcpProxy
  readonly #stage: Stage
  readonly #env: Record<string, string>
  #worker: Worker

  private constructor(stage: Stage, port: number, proxy: TcpProxy, maxLength: number) {
    this.#stage = stage
    this.proxy = proxy
    this.sender = new WebhookSender({ port, ledgerFolder: stage.arena.ledgerFolder })
    this.#env = {
      ...{ HTTP_PORT: String(port), HTTP_HOST: '127.0.0.1', SIMULATE: 'off', LOG_LEVEL: 'info' },
      ...{ REDIS_URL: proxy.url, PUBLISH_TIMEOUT_MS: '2000', MAX_LENGTH: String(maxLength) },
      // The ledger is the sender's: what the producer believes does not count.
      ...{ WEBHOOK_STANDARD_SECRET: this.sender.secret, LEDGER_DIR: '' },
    }
    this.#worker = stage.arena.start('producer', this.#env)
  }

  static async open(stage: Stage, maxLength: number): Promise<Ingress> {
    const proxy = await TcpProxy.start(stage.arena.redis.port)
    const ingress = new Ingress(stage, await freePort(), proxy, maxLength)
    await ingress.#isServing()
    return ingress
  }

  /** What it appends meanwhile has no answer. */
  async killBetweenAppendAndAnswer(): Promise<void> {
    const { random } = this.#stage
    this.proxy.dropReplies(true)
    await sleep(random.whole(50, 400))
    this.#worker.kill('SIGKILL')
    await this.#worker.exited()
    this.proxy.cut()
    this.proxy.dropReplies(false)
    this.#worker = this.#stage.arena.start('producer', this.#env)
    await this.#isServing()
  }

  async close(): Promise<void> {
    this.sender.close()
    const code = await this.#worker.stop()
    this.#stage.complainUnless(code === 0, `the producer ended with ${code}`)
    await this.proxy.stop()
  }

  #isServing(): Promise<unknown> {
    return this.#worker.waitFor(({ msg }) => msg === 'webhooks are served')
  }
}

export const ingest: Drill = {
  about: 'webhooks over HTTP: the producer is killed between append and answer, Redis is killed, the stream is full',
  events: 3_000,
  server: ['--appendfsync', 'always'],
  async run(stage) {
    const { arena, options, random, ids } = stage
    stage.groups = ['drill_group', 'slow_group']
    await arena.send('XGROUP', 'CREATE', STREAM.name, 'slow_group', '0')
    const maxLength = Math.max(50, Math.floor(options.events / 20))
    const cap = { MAX_LENGTH: String(maxLength) }
    await stage.fleet(2, cap)
    const slow = await stage.fleet(1, { ...cap, GROUP: 'slow_group' })
    const ingress = await Ingress.open(stage, maxLength)
    const { sender } = ingress
    const count = (status: number) => sender.answers.get(status) ?? 0

    const fillUp = async () => {
      const before = count(503)
      slow.signal(0, 'SIGSTOP')
      await stage.sees('the sender is told that the stream is full', () => count(503) > before, 20_000)
      slow.signal(0, 'SIGCONT')
    }
    const killRedis = async () => {
      await arena.redis.kill()
      await sleep(random.whole(0, 1_000))
      await arena.redis.start()
    }
    const faults = [() => ingress.killBetweenAppendAndAnswer(), fillUp, killRedis]
    const rounds = options.quick ? 1 : 4
    const perSecond = Math.max(50, options.events / (rounds * faults.length * 3))
    const webhooks = ids.map((id, n) => ({ id, userId: `user_${2_000 + (n % 50)}` }))
    const sending = sender.sendAll(webhooks, perSecond)
    await stage.whileWorking(sending, rounds * faults.length, 1_500, async () => {
      await faults[stage.faults % faults.length]?.()
    })
    await ingress.close()
    await stage.quiet()

    // Also what has been trimmed counts.
    const added = Number(asRecord(await arena.send('XINFO', 'STREAM', STREAM.name))['entries-added'])
    stage.complainUnless(added === options.events, `${added} entries of ${options.events} webhooks`)
    const { told } = sender
    stage.complainUnless(count(200) > 0, `no repetition met an event that had been appended (${told})`)
    stage.complainUnless(count(0) > 0 && count(503) > 0, `nothing was left unanswered or refused (${told})`)
    const strange = [...sender.answers.keys()].filter((status) => ![0, 200, 202, 503].includes(status))
    stage.complainUnless(strange.length === 0, `answers that must not be: ${told}`)
  },
}
