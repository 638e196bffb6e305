import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { standardScheme } from '@redis-streams-processor/events'
import { readLedger } from '@redis-streams-processor/service-kit'
import { RedisServer, Scrape, skipsWithout, until, Worker, withUser } from '@redis-streams-processor/testbed'
import { expect, inject, onTestFinished, test } from 'vitest'
import { Endpoint, event, SECRET_SETTINGS, SECRETS, signed } from './support/endpoint.ts'

/** What a hostile sender writes to the socket, and the answers that it may get. `none`: the connection is just closed. */
type Attack = [name: string, bytes: string | Buffer, allowed: readonly (number | 'none')[]]

const REFUSED = [400, 401, 404, 405, 408, 413, 415, 417, 431, 501, 505, 'none'] as const
const TAKEN = [202] as const

const PATH = '/webhooks/standard'
const START = `POST ${PATH} HTTP/1.1`
const TELLING = { NODE_OPTIONS: `--import ${new URL('./support/tell-memory.mjs', import.meta.url)}` }
const JSON_TYPE = { 'content-type': 'application/json' }

/** A request as it goes over the wire. */
function request(headers: Record<string, string>, body: string | Buffer = '', start = START): Buffer {
  const bytes = Buffer.from(body)
  const all = { host: 'x', connection: 'close', 'content-length': String(bytes.length), ...headers }
  return Buffer.concat([Buffer.from(`${start}\r\n${linesOf(all)}\r\n`, 'latin1'), bytes])
}

const linesOf = (headers: Record<string, string>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')

const sign = (body: string) => request(signed.standard(body), body)
const unsigned = (body: string | Buffer) => request(JSON_TYPE, body)

/** As `sign`. The libraries sign texts only. */
function signBytes(body: Buffer): Buffer {
  const { 'webhook-id': id, 'webhook-timestamp': seconds } = headers
  const key = standardScheme.keyOf(SECRETS.standard)
  const digest = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest('base64')
  return request({ ...headers, 'webhook-signature': `v1,${digest}` }, body)
}
const nested = (depth: number, open = '[', close = ']') => `${open.repeat(depth)}${close.repeat(depth)}`

/** Bodies that are odd, and JSON: signed, each is an event; unsigned, each is refused. */
const oddBodies: readonly string[] = [
  ...[
    'null',
    'true',
    '0',
    '-0',
    '""',
    '[]',
    '{}',
    ' {} ',
    '1e400',
    '-1e400',
    '1e-400',
    '123456789012345678901234567890',
  ],
  ...['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}'],
  ...['{"type":"__proto__","data":{}}', '{"type":"constructor"}', '{"type":"toString"}', '{"type":"hasOwnProperty"}'],
  ...['{"type":"","data":{}}', '{"type":null}', '{"type":{}}', '{"type":["user.deleted"]}', '{"type":1}'],
  ...['{"data":null}', '{"data":[]}', '{"type":"user.deleted","data":"user_1"}', '{"type":"user.deleted","data":null}'],
  ...['"\\ud800"', '"\\udc00\\ud800"', '{"type":"\\ud800"}', '{"\\ud800":1}', '"\ufffd"', '{"type":"\ufffd"}'],
  ...[
    '"\\u0000"',
    '{"type":"a\\u0000b"}',
    '{"\\u0000":1}',
    '{"type":"user.deleted","data":{"userId":"user_1\\u0000"}}',
  ],
  ...['{"a":1,"a":2}', '{"type":"x","type":"user.deleted"}', '{"timestamp":"never"}', '{"timestamp":"+275760-09-13"}'],
  ...['{"timestamp":9e99}', '{"timestamp":"-000001-01-01T00:00:00Z"}', '{"timestamp":"10000-01-01T00:00:00Z"}'],
  ...[nested(100), nested(100, '{"a":', '}').replace(/:}/, ':1}'), nested(10_000), nested(200_000)],
  ...[`{"type":"${'x'.repeat(100_000)}"}`, `"${'\\u0000'.repeat(50_000)}"`, `[${'1e20,'.repeat(50_000)}0]`],
  ...[`{"data":{"userId":"${'x'.repeat(100_000)}"}}`, `{${Array.from({ length: 20_000 }, (_, n) => `"k${n}":0`)}}`],
  ...['{"type":"user.deleted","data":{"userId":"user_1"},"extra":"\u2028\u2029"}', '"\u{1f4a9}"', '"\x7f"'],
]

/** Bodies that are no JSON in UTF-8: signed or not, each is refused. */
const brokenBodies: readonly (string | Buffer)[] = [
  ...['', ' ', '{', '}', '[', '{"a"', '{"a":}', "{'a':1}", '{a:1}', '[1,]', 'NaN', 'Infinity', 'undefined', '0x10'],
  ...['01', '+1', '.5', '1.', '"\t"', '"\n"', '"\u0000"', '"\\x41"', '"\\u12"', '{}{}', '{} x', '\u0000{}', '// x\n{}'],
  ...[nested(100).slice(1), '['.repeat(100_000), '{"a":'.repeat(100_000), '<xml/>', 'payload=%7B%7D', '--boundary'],
]
const brokenBytes: readonly Buffer[] = [
  Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]),
  Buffer.from([0xfe, 0xff, 0x00, 0x7b, 0x00, 0x7d]),
  Buffer.from('{"a":"\xe9"}', 'latin1'),
  Buffer.concat([Buffer.from('"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"')]),
  Buffer.concat([Buffer.from('"'), Buffer.from([0xc0, 0x80]), Buffer.from('"')]),
  Buffer.concat([Buffer.from('"'), Buffer.from([0xf5, 0x80, 0x80, 0x80]), Buffer.from('"')]),
  Buffer.alloc(1_000, 0),
  Buffer.alloc(1_000, 0x80),
  gzipSync('{}'),
]

const good = event()
const headers = signed.standard(good)
const changed = (change: Record<string, string>) => request({ ...headers, ...change }, good)

/** What `framing` says of where the body ends. */
type Frame = [name: string, framing: string, body: string]

/** A request that is signed for `signs` under an id of its own, so that what is taken of it is an entry more. */
function framed(framing: string, body: string, { signs = good, connection = 'close' } = {}): string {
  return `${START}\r\n${linesOf({ host: 'x', connection, ...signed.standard(signs) })}${framing}\r\n\r\n${body}`
}

const LENGTH = `content-length: ${good.length}`
const CHUNKED = 'transfer-encoding: chunked'
const hex = (size: number) => size.toString(16)
const chunk = (text: string, size = hex(text.length)) => `${size}\r\n${text}\r\n`
const LAST_CHUNK = chunk('')
/** In pieces of 64 kB. */
const chunksOf = (text: string) => `${text.replace(/.{1,65536}/gs, (piece) => chunk(piece))}${LAST_CHUNK}`
const large = event({ userId: 'user_1', text: 'x'.repeat(2_600_000) })

/** The body that is signed, framed in ways that are none, or two at once. */
const brokenFrames: readonly Frame[] = [
  ['a header without a name', `: x\r\n${LENGTH}`, good],
  ['a header without a colon', `x\r\n${LENGTH}`, good],
  ['a folded header', `x: a\r\n b\r\n${LENGTH}`, good],
  ['a space before the colon', `content-length : ${good.length}`, good],
  ['no length', 'x: y', good],
  ['two lengths, the first of which is right', `${LENGTH}\r\ncontent-length: 1`, good],
  ['two lengths, the second of which is right', `content-length: 1\r\n${LENGTH}`, good],
  ['a list of lengths', `${LENGTH}, ${good.length}`, good],
  ['a length and chunks', `${LENGTH}\r\n${CHUNKED}`, chunksOf(good)],
  ['chunks and a length', `${CHUNKED}\r\ncontent-length: ${chunksOf(good).length}`, chunksOf(good)],
  ['a negative length', `content-length: -${good.length}`, good],
  ['a length with a sign', `content-length: +${good.length}`, good],
  ['a length in hexadecimal', `content-length: 0x${hex(good.length)}`, good],
  ['an immense length', 'content-length: 99999999999', good],
  ['a length that overflows', `content-length: ${2n ** 64n + BigInt(good.length)}`, good],
  ['a chunk of a size that is none', CHUNKED, chunk(good, 'xyz') + LAST_CHUNK],
  ['a chunk of a negative size', CHUNKED, chunk(good, `-${hex(good.length)}`) + LAST_CHUNK],
  ['a chunk of an immense size', CHUNKED, chunk(good, 'ffffffffffffffff') + LAST_CHUNK],
  ['a chunk of a size that overflows', CHUNKED, chunk(good, `10000000000000000${hex(good.length)}`) + LAST_CHUNK],
  ['a chunk that is longer than its size', CHUNKED, chunk(good, hex(good.length - 1)) + LAST_CHUNK],
  ['a chunk that is shorter than its size', CHUNKED, chunk(good, hex(good.length + 1)) + LAST_CHUNK],
  ['chunks without a last one', CHUNKED, chunk(good)],
  ['an unknown transfer encoding', 'transfer-encoding: x', chunksOf(good)],
  ['chunks that are encoded again', 'transfer-encoding: chunked, x', chunksOf(good)],
]

/** A request that would be taken hides where a server that is misled looks for the next one. */
const hidden = framed(LENGTH, good)
const hiddenRequests: readonly Frame[] = [
  ['one in the body of another', `content-length: ${hidden.length}`, hidden],
  ['one behind the first of two lengths', `content-length: 0\r\ncontent-length: ${hidden.length}`, hidden],
  [
    'one behind the last chunk',
    `content-length: ${LAST_CHUNK.length + hidden.length}\r\n${CHUNKED}`,
    LAST_CHUNK + hidden,
  ],
  ['one in a chunk, behind the length', `content-length: 0\r\n${CHUNKED}`, chunksOf(hidden)],
]

/** What is wrong with the request itself. Nothing of it may be taken, although the body is signed where it can be. */
const brokenRequests: Attack[] = [
  ...[
    'wrong',
    'v1,',
    'v1,AAAA',
    `v1,${'A'.repeat(10_000)}`,
    'v1',
    ',',
    ' ',
    'v1,v1,v1',
    'v1a,x',
    'V1,x',
    '\xff\xfe',
  ].map(
    (signature): Attack => [`signature ${signature.slice(0, 9)}`, changed({ 'webhook-signature': signature }), REFUSED],
  ),
  ...['', ' ', '0', '-1', '1e10', 'NaN', '99999999999999999999', '0x7fffffff', 'Infinity', '1.5', '１'].map(
    (time): Attack => [`timestamp ${time}`, changed({ 'webhook-timestamp': time.replace('１', '\xb9') }), REFUSED],
  ),
  ...['', ' ', 'x'.repeat(8_000), '..', '\xff', '__proto__', 'a, b'].map(
    (id): Attack => [`id ${id.slice(0, 9)}`, changed({ 'webhook-id': id }), REFUSED],
  ),
  ...[
    'text/plain',
    'text/json',
    'application/json+x',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    '',
    ';',
    '*/*',
  ].map((type): Attack => [`content type ${type}`, changed({ 'content-type': type }), REFUSED]),
  ...['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip', 'x', 'chunked', ''].map(
    (encoding): Attack => [
      `encoding ${encoding}`,
      changed({ 'content-encoding': encoding || 'identity, gzip' }),
      REFUSED,
    ],
  ),
  ...['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY', 'post', 'POSTT', 'BREW'].map(
    (method): Attack => [method, request(headers, good, `${method} ${PATH} HTTP/1.1`), REFUSED],
  ),
  ['CONNECT', request(headers, good, 'CONNECT x:80 HTTP/1.1'), REFUSED],
  ...[
    '/',
    '/webhooks',
    '/webhooks/',
    '/webhooks/nobody',
    '/webhooks/standard/',
    '/WEBHOOKS/standard',
    '/webhooks/Standard',
  ].map((path): Attack => [path, request(headers, good, `POST ${path} HTTP/1.1`), REFUSED]),
  ...[
    '/webhooks/%',
    '/webhooks/%00',
    '/webhooks/../webhooks/x',
    '//webhooks/standard',
    '/webhooks/__proto__',
    '*',
    'x',
  ].map((path): Attack => [path, request(headers, good, `POST ${path} HTTP/1.1`), REFUSED]),
  ['a path of 15 kB', request(headers, good, `POST /${'a'.repeat(15_000)} HTTP/1.1`), REFUSED],
  ['a header of 1 MB', changed({ 'x-bomb': 'x'.repeat(1_000_000) }), REFUSED],
  ['5,000 headers', changed(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`x-${n}`, 'x']))), REFUSED],
  ['a NUL in a header', changed({ 'x-nul': 'a\0b' }), REFUSED],
  ...brokenFrames.map(([name, framing, body]): Attack => [name, framed(framing, body), REFUSED]),
  ...hiddenRequests.map(
    ([name, framing, body]): Attack => [name, framed(framing, body, { connection: 'keep-alive' }), REFUSED],
  ),
  ['chunks beyond the limit', framed(CHUNKED, chunksOf(large), { signs: large }), REFUSED],
  ['an expectation', changed({ expect: '200-maybe' }), REFUSED],
  ['two ids', changed({ 'webhook-id': `another\r\nwebhook-id: ${headers['webhook-id']}` }), REFUSED],
  ['two times', changed({ 'webhook-timestamp': `0\r\nwebhook-timestamp: ${headers['webhook-timestamp']}` }), REFUSED],
  ['two content types', changed({ 'content-type': 'text/plain\r\ncontent-type: application/json' }), REFUSED],
  ['two encodings', changed({ 'content-encoding': 'identity\r\ncontent-encoding: gzip' }), REFUSED],
  ['no host', framed(LENGTH, good).replace('host: x\r\n', ''), REFUSED],
  ['HTTP/9.9', request(headers, good, `POST ${PATH} HTTP/9.9`), REFUSED],
  ['HTTP/0.9', `GET ${PATH}\r\n\r\n`, REFUSED],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', REFUSED],
  ['TLS', Buffer.from('16030100a5010000a10303', 'hex'), REFUSED],
  ['noise', Buffer.from(Array.from({ length: 4_000 }, (_, n) => (n * 7_919) % 251)), REFUSED],
  ['empty lines', '\r\n\r\n\r\n\r\n', REFUSED],
]

const attacks: Attack[] = [
  ...oddBodies.map((body): Attack => [`signed ${body.slice(0, 40)}`, sign(body), TAKEN]),
  ...oddBodies.slice(0, 20).map((body): Attack => [`unsigned ${body.slice(0, 40)}`, unsigned(body), [401]]),
  ...brokenBodies.map((body): Attack => [`signed ${body.slice(0, 40)}`, sign(String(body)), [400]]),
  ...brokenBodies.slice(0, 10).map((body): Attack => [`unsigned ${body.slice(0, 40)}`, unsigned(body), [400, 401]]),
  ...brokenBytes.map((body, n): Attack => [`unsigned bytes ${n}`, unsigned(body), [401]]),
  ...brokenBytes.map((body, n): Attack => [`signed bytes ${n}`, signBytes(body), [400]]),
  // So that what is wrong above is what it says, and not the signature or the chunks themselves.
  ['well chunked', framed(CHUNKED, chunksOf(good)), TAKEN],
  [
    'well chunked, in small pieces',
    framed(CHUNKED, [...good].map((letter) => chunk(letter)).join('') + LAST_CHUNK),
    TAKEN,
  ],
  ...brokenRequests,
]

/** Resolves when the connection is closed, in whatever way. */
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()))

/** Sends it, and resolves to the status of the answer once the connection is closed. */
async function attack(port: number, [, bytes, allowed]: Attack): Promise<number | 'none'> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString('latin1')
  })
  socket.on('error', () => {})
  socket.write(bytes)
  // What is only half of a request has no answer before its time is over.
  const giveUp = allowed.includes('none') ? setTimeout(() => socket.end(), 500) : undefined
  await closed(socket)
  clearTimeout(giveUp)
  const status = /^HTTP\/1\.1 (?:100 Continue\r\n\r\nHTTP\/1\.1 )?(\d+)/.exec(answer)?.[1]
  return status === undefined ? 'none' : Number(status)
}

test('about two hundred hostile requests: none gets a 2xx that it should not have, and the next one is served', async () => {
  expect(attacks.length).toBeGreaterThanOrEqual(200)
  const endpoint = new Endpoint()
  const port = await endpoint.port()
  const wrong: unknown[] = []
  for (const one of attacks) {
    const status = await attack(port, one)
    const [name, , allowed] = one
    if (!allowed.includes(status)) wrong.push([name, status])
  }
  expect(wrong).toEqual([])
  const taken = attacks.filter(([, , allowed]) => allowed === TAKEN).length
  expect((await endpoint.entries()).size).toBe(taken)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  expect(await endpoint.send()).toMatchObject({ status: 202 })
})

test('what dawdles is cut off: heads, bodies, and connections on which nothing comes', async () => {
  const endpoint = new Endpoint()
  const port = await endpoint.port()
  const starts = ['', 'POST /webhooks', `POST ${PATH} HTTP/1.1\r\nHost: x\r\n`]
  const body = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n`
  const chunks = body.replace('Content-Length: 1000', 'Transfer-Encoding: chunked')
  // A byte every second keeps none of them alive.
  const dawdleAll = (all: string[], drip = 'x') => Promise.all(all.map((bytes) => dawdle(port, bytes, drip)))
  // Refused by its head alone: what dawdles then gets no second answer.
  const refused = body.replace('Host: x', 'Host: x\r\nContent-Encoding: gzip')
  const [heads, bodies, dripped] = await Promise.all([
    dawdleAll(starts),
    Promise.all([dawdleAll([body, `${body}{`, refused]), dawdleAll([chunks], chunk('x'))]),
    dawdleAll([chunks, `${chunks}2\r\n{`]),
  ])
  // 5 s for a head, 10 s for the whole; Node looks once a second.
  expect(heads.filter((ms) => ms < 4_500 || ms > 9_000)).toEqual([])
  expect(bodies.flat().filter((ms) => ms < 9_500 || ms > 18_000)).toEqual([])
  // No chunk.
  expect(dripped.filter((ms) => ms > 4_500)).toEqual([])
  const answer = await endpoint.send()
  expect(answer).toMatchObject({ status: 202 })
  // Longer than the 60 s for which load balancers keep theirs.
  expect(answer.headers.get('keep-alive')).toBe('timeout=72')
  expect((await endpoint.entries()).size).toBe(1)
  // Each is counted once, and told: five are too slow, two are no chunks. Where nothing came, nobody is answered. Of a
  // head that does not end, nobody knows the source.
  const scrape = await Scrape.of(await endpoint.opsPort())
  const counted = (source: string) => [
    ...['408', '400', '415'].map((code) => scrape.sum('webhook_requests_total', { code, source })),
    ...['too-slow', 'bad-request'].map((reason) => scrape.sum('webhook_rejected_total', { reason, source })),
  ]
  expect([counted('standard'), counted('other')]).toEqual([
    [3, 2, 1, 3, 2],
    [2, 0, 0, 2, 0],
  ])
  for (const source of ['standard', undefined])
    await endpoint.line((line) => line.reason === 'too-slow' && line.status === 408 && line.source === source)
})

test('at SIGTERM it ends, although Redis hangs and a body does not end: what was accepted is answered', async () => {
  const redis = await RedisServer.start()
  onTestFinished(() => redis.stop())
  const LEDGER_DIR = mkdtempSync(join(tmpdir(), 'redis-streams-test-'))
  onTestFinished(() => rmSync(LEDGER_DIR, { recursive: true }))
  const { worker, port } = await startProcess({ REDIS_URL: redis.url, LEDGER_DIR })
  await worker.waitFor(({ msg }) => msg === 'connected to Redis')
  const idle = connect(port, '127.0.0.1')
  await answerTo(await ping(), idle)
  const endless = connect(port, '127.0.0.1').on('error', () => {})
  endless.write(
    `${START}\r\n${linesOf({ host: 'x', ...JSON_TYPE, 'content-length': '1000', expect: '100-continue' })}\r\n`,
  )
  // Its head has been read.
  await once(endless, 'data')
  endless.write('{')
  await redis.freeze()
  const accepted = attack(port, ['accepted', sign(good), [503]])
  const isTried = () => readLedger(LEDGER_DIR).some(({ what }) => what === 'attempted')
  await until('it is accepted', isTried, { timeoutMs: 10_000 })
  const all = Promise.all([closed(idle.resume()), closed(endless.resume())])
  const since = performance.now()
  worker.kill('SIGTERM')
  expect(await worker.exited()).toBe(0)
  // As docs/operations.md says.
  expect(performance.now() - since).toBeLessThan(26_000)
  expect(await accepted).toBe(503)
  await all
})

test('what is no request is counted by its answer, and told', async () => {
  const endpoint = new Endpoint()
  const port = await endpoint.port()
  const bomb = changed({ 'x-bomb': 'x'.repeat(20_000) })
  const noPath = request(headers, good, 'POST /webhooks/% HTTP/1.1')
  expect(await attack(port, ['a large head', bomb, [431]])).toBe(431)
  expect(await attack(port, ['a path that is none', noPath, [400]])).toBe(400)
  expect(await attack(port, ['noise', 'noise\r\n\r\n', [400]])).toBe(400)
  const scrape = await Scrape.of(await endpoint.opsPort())
  const ofCode = (code: string) => scrape.sum('webhook_requests_total', { code, source: 'other' })
  const ofReason = (reason: string) => scrape.sum('webhook_rejected_total', { reason, source: 'other' })
  expect([ofCode('431'), ofCode('400')]).toEqual([1, 2])
  expect([ofReason('head-too-large'), ofReason('bad-request')]).toEqual([1, 2])
  expect(scrape.sum('webhook_request_duration_seconds_sum')).toBeGreaterThanOrEqual(0)
  await endpoint.line(({ msg, reason }) => msg === 'webhook refused' && reason === 'head-too-large')
})

/** Sends `bytes`, and then `drip` every second. Resolves to the milliseconds after which the connection is closed. */
async function dawdle(port: number, bytes: string, drip: string): Promise<number> {
  const since = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  socket.resume()
  const dripping = setInterval(() => {
    if (bytes !== '' && socket.writable) socket.write(drip)
  }, 1_000)
  await closed(socket)
  clearInterval(dripping)
  return performance.now() - since
}

const CONNECTIONS = 10_000
const FILES = CONNECTIONS + 1_000
const skipped = skipsWithout(maxOpenFiles() >= FILES)
const NEEDS = skipped ? ` (skipped: the hard limit of open files is below ${FILES})` : ''

test.skipIf(skipped)(
  `10,000 connections that senders keep open are kept, keep nobody out, and leave no memory behind${NEEDS}`,
  async () => {
    const { worker, port } = await startProcess(TELLING)
    const sockets: Socket[] = []
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
    })
    const bytes = await ping()
    await answerTo(sign(good), connect(port, '127.0.0.1'))
    const before = await memoryOf(worker)
    const lane = async () => {
      while (sockets.length < CONNECTIONS) {
        const socket = connect(port, '127.0.0.1')
        sockets.push(socket)
        await answerTo(bytes, socket)
      }
    }
    await Promise.all(Array.from({ length: 100 }, lane))
    await answerTo(sign(good), connect(port, '127.0.0.1'))
    for (const socket of sockets.slice(0, 100)) await answerTo(bytes, socket)
    expect(sockets.filter(({ readable }) => readable)).toHaveLength(CONNECTIONS)

    // Each begins a body, and is gone.
    for (const socket of sockets) socket.end(request({ ...JSON_TYPE, 'content-length': '1000' }, '{'))
    await Promise.all(sockets.map((socket) => (socket.destroyed ? undefined : closed(socket.resume()))))
    const isGivenBack = async () => (await memoryOf(worker)) - before < CONNECTIONS * 1_000
    await until('their memory is given back', isGivenBack, { timeoutMs: 30_000 })
  },
  180_000,
)

/** Nothing is appended or logged for it: what it costs is the connection, which stays open. */
async function ping(): Promise<Buffer> {
  const headers = { ...(await signed.github('{}', { event: 'ping' })), connection: 'keep-alive' }
  return request(headers, '{}', 'POST /webhooks/github HTTP/1.1')
}

/** Resolves once the request is answered 2xx on this connection. */
function answerTo(bytes: Buffer, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error('the connection was closed'))
    socket.on('error', () => {}).once('close', fail)
    socket.once('data', (data) => {
      socket.off('close', fail)
      if (/^HTTP\/1.1 20[02] /.test(data.toString('latin1'))) resolve()
      else reject(new Error(data.toString('latin1')))
    })
    socket.write(bytes)
  })
}

/** For this process, and for those that it starts: Node raises its own limit as far as it may. */
function maxOpenFiles(): number {
  if (process.platform !== 'linux') return Number.POSITIVE_INFINITY
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard)
}

test('a thousand connections that send nothing, and bodies that never end, keep nobody out', async () => {
  const endpoint = new Endpoint()
  const port = await endpoint.port()
  const sockets: Socket[] = []
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n`
  for (let n = 0; n < 1_000; n += 1) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    if (n % 2 === 0) socket.write(`${head}{`)
    sockets.push(socket)
  }
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  expect(await endpoint.send()).toMatchObject({ status: 202 })
})

const MIB = 1_048_576
/** So many bodies of a byte less than a megabyte have room, and leave 128 bytes of it. */
const BODIES = 128

/** Begins so many bodies of a megabyte; all that they lack is the last byte. */
function beginBodies(port: number, count: number) {
  const almostAll = Buffer.concat([headOf(MIB), Buffer.alloc(MIB - 1, ' ')])
  const begun = { refused: 0 }
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets) {
    socket
      .on('error', () => {})
      .on('data', (data) => {
        const answer = data.toString('latin1')
        if (answer.startsWith('HTTP/1.1 503 ') && /\r\nretry-after: 5\r\n/i.test(answer)) begun.refused += 1
      })
    socket.write(almostAll)
  }
  return begun
}

/** The head of a request with so many bytes of something. Its connection is kept. */
function headOf(length: number, type = 'application/json'): Buffer {
  const headers = { host: 'x', 'content-type': type, 'content-length': String(length) }
  return Buffer.from(`${START}\r\n${linesOf(headers)}\r\n`)
}

/** Takes all the room there is for bodies. What is over, and counted all the same, keeps one of these out. */
async function takeAllRoom(port: number): Promise<void> {
  const begun = beginBodies(port, BODIES)
  const isFull = async () => (await attack(port, ['a small body', unsigned(' '.repeat(300)), [401, 503]])) === 503
  await until('all of them are there', async () => begun.refused > 0 || (await isFull()), { timeoutMs: 8_000 })
  expect(begun.refused).toBe(0)
}

/** Sends the whole of a request, whatever is answered. Resolves to the answer once the connection is closed. */
async function pour(port: number, head: Buffer, pieces: readonly Buffer[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket
    .on('error', () => {})
    .on('data', (data) => {
      answer += data.toString('latin1')
    })
  for (const piece of [head, ...pieces]) socket.write(piece)
  socket.end()
  await closed(socket)
  return answer.slice(0, 12)
}

test('more bodies than memory allows are refused with 503 before their end, and a small one still finds room', async () => {
  const { port } = await startProcess()
  const begun = beginBodies(port, BODIES + 32)
  await until('the others are refused', () => begun.refused >= 32, { timeoutMs: 8_000 })
  expect(begun.refused).toBeLessThan(40)
  await answerTo(sign(good), connect(port, '127.0.0.1'))
})

test.each([
  ['a hundred and fifty bodies that are no JSON', 'text/plain', 1, 150],
  ['a form that is larger than memory', 'application/x-www-form-urlencoded', 140, 1],
  ['a body that is larger than memory', 'application/json', 140, 1],
])('%s: refused by the head, and what comes behind it takes no memory', async (_, type, mebibytes, times) => {
  const { worker, port } = await startProcess()
  const pieces = Array<Buffer>(mebibytes).fill(Buffer.alloc(MIB, ' '))
  const send = () => pour(port, headOf(mebibytes * MIB, type), pieces)
  for (let n = 0; n < times; n += 10) await Promise.all(Array.from({ length: Math.min(times, 10) }, send))
  expect(worker.isRunning).toBe(true)
  await answerTo(sign(good), connect(port, '127.0.0.1'))
  await takeAllRoom(port)
})

test('a body that is refused by its length, while memory is full, has one answer, and the process goes on', async () => {
  const { worker, port } = await startProcess()
  await takeAllRoom(port)
  const length = 2 * MIB
  for (let n = 0; n < 5; n += 1) {
    const answer = await pour(port, Buffer.concat([headOf(length), Buffer.alloc(30_000, ' ')]), [])
    expect(answer).toBe('HTTP/1.1 413')
  }
  expect(worker.isRunning).toBe(true)
  await answerTo(sign(good), connect(port, '127.0.0.1'))
})

test('a body that is refused takes no memory any more', async () => {
  const { port } = await startProcess()
  const chunk = Buffer.from(`80000\r\n${' '.repeat(0x80000)}\r\n`)
  const tooLarge = async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    const answered = once(socket, 'data')
    socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`)
    socket.write('Transfer-Encoding: chunked\r\n\r\n')
    for (let n = 0; n < 3; n += 1) socket.write(chunk)
    const [answer] = (await answered) as [Buffer]
    for (let n = 0; n < 3; n += 1) socket.write(chunk)
    socket.end()
    await closed(socket.resume())
    return answer.toString('latin1').slice(0, 12)
  }
  for (let n = 0; n < 15; n += 1) {
    const answers = await Promise.all(Array.from({ length: 10 }, tooLarge))
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 413']))
  }
  await answerTo(sign(good), connect(port, '127.0.0.1'))
  await takeAllRoom(port)
})

test('rounds of it leave no memory behind in the process', async () => {
  const { worker, port } = await startProcess(TELLING)
  // Without the few whose bytes are mostly thrown away at once: beside them no leak of the others would show.
  const chosen = attacks.filter(([, bytes]) => bytes.length < 500_000)
  const round = async () => {
    for (let i = 0; i < chosen.length; i += 40)
      await Promise.all(chosen.slice(i, i + 40).map((one) => attack(port, one)))
  }
  const [warm, rounds] = [3, 12]
  for (let n = 0; n < warm; n += 1) await round()
  const before = await memoryOf(worker)
  for (let n = 0; n < rounds; n += 1) await round()
  const grownBy = (await memoryOf(worker)) - before
  // Redis has the events. A quarter of what was taken would show that bodies are kept here, too, and a kilobyte for each
  // request that something smaller is.
  const taken = chosen.reduce((sum, [, { length }, allowed]) => sum + (allowed === TAKEN ? length : 0), 0)
  expect(grownBy).toBeLessThan((rounds * taken) / 4)
  expect(grownBy).toBeLessThan(rounds * chosen.length * 1_000)
  expect(worker.isRunning).toBe(true)
})

/** How many bytes the process holds once its garbage is collected. It is one that was started with `TELLING`. */
async function memoryOf(worker: Worker): Promise<number> {
  const told = () => worker.lines.filter(({ msg }) => msg === 'memory')
  const { length } = told()
  worker.kill('SIGUSR2')
  await until('the process tells its memory', () => told().length > length, { timeoutMs: 10_000 })
  return Number(told().at(-1)?.bytes)
}

/** The producer service as a process of its own. */
async function startProcess(more: Record<string, string> = {}): Promise<{ worker: Worker; port: number }> {
  const redis = withUser(inject('redisUrl'), 'producer')
  const env = { REDIS_URL: redis, STREAM: 'test_hostile', HTTP_PORT: '0', SIMULATE: 'off' }
  const worker = new Worker('producer', { ...env, ...SECRET_SETTINGS, ...more })
  onTestFinished(async () => {
    worker.kill('SIGKILL')
    await worker.exited()
  })
  const { url } = await worker.waitFor(({ msg }) => msg === 'webhooks are served')
  return { worker, port: Number(new URL(String(url)).port) }
}
