import { randomUUID } from 'node:crypto'
import { userEvents } from '@redis-streams-processor/events'
import { createConsumer, defineStream, openDeadLetters } from '@redis-streams-processor/streams-core'
import { sendOnce, TcpProxy, until, Worker, withUser } from '@redis-streams-processor/testbed'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { consumeIn, GROUPS, handledByAll } from '../support/consume-in.ts'
import { Endpoint, event, SECRET_SETTINGS, signed } from '../support/endpoint.ts'

describe('G16: what was answered 2xx is handled, by every group, once', () => {
  test('each webhook, whatever its sender repeats', async () => {
    const endpoint = new Endpoint()
    const { handled } = consumeIn(endpoint.redisUrl, userEvents(endpoint.stream))
    const ids = Array.from({ length: 50 }, (_, n) => `w${n}`)
    const answers = await Promise.all([...ids, ...ids, ...ids].map((id) => endpoint.send(event(), { id })))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(100).fill(200), ...Array(50).fill(202)])
    await handledByAll(handled, 50)
    // A last one, behind which nothing else can be.
    await endpoint.send(event(), { id: 'last' })
    await handledByAll(handled, 51)
    for (const group of GROUPS) expect(handled.get(group)).toHaveLength(51)
  })

  test('also those of GitHub and of Stripe, once the catalog knows their types', async () => {
    const endpoint = new Endpoint()
    const any = z.looseObject({})
    const stream = defineStream(endpoint.stream, { 'github.push': any, 'stripe.invoice.paid': any })
    const { handled } = consumeIn(endpoint.redisUrl, stream)
    const push = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'octo/repo' } })
    const invoice = JSON.stringify({ id: 'evt_1', type: 'invoice.paid', data: { object: { id: 'in_1' } } })
    const send = async () => [
      await endpoint.post('github', push, await signed.github(push, { id: 'd1' })),
      await endpoint.post('stripe', invoice, signed.stripe(invoice)),
    ]
    expect((await send()).map(({ status }) => status)).toEqual([202, 202])
    expect((await send()).map(({ status }) => status)).toEqual([200, 200])
    await handledByAll(handled, 2)
    for (const group of GROUPS) expect(handled.get(group)?.sort()).toEqual(['github:d1', 'stripe:evt_1'])
  })

  test('also when the producer is killed between append and answer, and the sender repeats', async () => {
    const redis = inject('redisUrl')
    const proxy = await TcpProxy.start(Number(new URL(redis).port))
    onTestFinished(() => proxy.stop())
    const stream = `test_${randomUUID().slice(0, 8)}`
    const throughProxy = new URL(withUser(redis, 'producer'))
    throughProxy.port = new URL(proxy.url).port
    const start = async () => {
      const env = {
        REDIS_URL: throughProxy.href,
        STREAM: stream,
        HTTP_PORT: '0',
        SIMULATE: 'off',
        ...SECRET_SETTINGS,
      }
      const worker = new Worker('producer', env)
      onTestFinished(async () => {
        worker.kill('SIGKILL')
        await worker.exited()
      })
      const { url } = await worker.waitFor(({ msg }) => msg === 'webhooks are served')
      await worker.waitFor(({ msg }) => msg === 'connected to Redis')
      const port = new URL(String(url)).port
      const send = async (id: string) => {
        const body = event()
        const request = { method: 'POST', headers: signed.standard(body, { id }), body }
        const response = await fetch(`http://127.0.0.1:${port}/webhooks/standard`, request)
        return { status: response.status, answer: await response.json() }
      }
      return { worker, send }
    }
    const entries = () => sendOnce<[string, string[]][]>(redis, ['XRANGE', stream, '-', '+'])

    const first = await start()
    expect((await first.send('before')).status).toBe(202)
    proxy.dropReplies(true)
    const unanswered = first.send('torn').catch(() => 'no answer')
    await until('it is appended', async () => (await entries()).length === 2, { timeoutMs: 30_000 })
    first.worker.kill('SIGKILL')
    expect(await unanswered).toBe('no answer')
    proxy.cut()
    proxy.dropReplies(false)

    const second = await start()
    const entryId = (await entries())[1]?.[0]
    expect(await second.send('torn')).toMatchObject({ status: 200, answer: { entryId, duplicate: true } })
    const { handled } = consumeIn(redis, userEvents(stream))
    expect((await second.send('after')).status).toBe(202)
    await handledByAll(handled, 3)
    for (const group of GROUPS)
      expect(handled.get(group)?.sort()).toEqual(['standard:after', 'standard:before', 'standard:torn'])
  })

  test('what the catalog does not fit becomes a dead letter of each group, and is handled once it fits', async () => {
    const endpoint = new Endpoint()
    const old = consumeIn(endpoint.redisUrl, userEvents(endpoint.stream))
    const body = event({ orderId: 'o1' }, 'order.placed')
    expect(await endpoint.send(body, { id: 'new-type' })).toMatchObject({ status: 202 })
    expect(await endpoint.send(event({ userId: 7 }), { id: 'unfit' })).toMatchObject({ status: 202 })
    const letters = new Map(
      GROUPS.map((group) => {
        const opened = openDeadLetters(
          { name: endpoint.stream },
          { redis: withUser(endpoint.redisUrl, 'operator'), group },
        )
        onTestFinished(() => opened.close())
        return [group, opened]
      }),
    )
    const later = defineStream(endpoint.stream, {
      'order.placed': z.object({ orderId: z.string() }),
      'user.deleted': z.object({ userId: z.number() }),
    })
    for (const [group, opened] of letters) {
      await endpoint.until('both are dead letters', async () => (await opened.count()) === 2)
      const found = (await endpoint.deadLetters(group)).map(({ eventId, reason }) => [eventId, reason])
      expect(found.sort()).toEqual([
        ['standard:new-type', 'malformed'],
        ['standard:unfit', 'malformed'],
      ])
    }
    await old.stop()
    expect([...old.handled.values()]).toEqual([[], []])

    for (const [group, opened] of letters) {
      const handled: unknown[] = []
      const stopping = new AbortController()
      const running = createConsumer(later, {
        ...{ redis: withUser(endpoint.redisUrl, 'consumer'), group },
        handlers: {
          'order.placed': ({ id, data }) => void handled.push([id, data]),
          'user.deleted': ({ id, data }) => void handled.push([id, data]),
        },
      }).run({ signal: stopping.signal })
      expect(await opened.redrive()).toMatchObject({ redriven: 2, skipped: 0 })
      await endpoint.until('both are handled', () => handled.length > 1)
      expect(handled.sort()).toEqual([
        ['standard:new-type', { orderId: 'o1' }],
        ['standard:unfit', { userId: 7 }],
      ])
      stopping.abort()
      await running
    }
  })
})
