import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { sign as signForGithub } from '@octokit/webhooks-methods'
import {
  githubScheme,
  type Scheme,
  standardScheme,
  stripeScheme,
  type Verdict,
  verify,
} from '@redis-streams-processor/events'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { describe, expect, test, vi } from 'vitest'

// The real one, whose calls are counted.
vi.mock('node:crypto', async (load) => {
  const crypto = await load<typeof import('node:crypto')>()
  return { ...crypto, timingSafeEqual: vi.fn(crypto.timingSafeEqual) }
})

const NOW_MS = 1_800_000_000_000
const TOLERANCE_MS = 300_000
const BODY = '{"type":"user.deleted","data":{"userId":"user_1","name":"Zoë 🚀"}}'
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Each scheme, with the library of its owner, which signs. */
const schemes: Record<string, { scheme: Scheme; secrets: [string, string]; sign: Sign }> = {
  standard: {
    scheme: standardScheme,
    secrets: [`whsec_${base64('a secret of the standard kind')}`, `whsec_${base64('another secret of this kind')}`],
    sign: async (secret, body, atMs) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(atMs / 1_000),
      'webhook-signature': new Webhook(secret).sign('msg_1', new Date(atMs), body),
    }),
  },
  github: {
    scheme: githubScheme,
    secrets: ['It’s a secret', 'another'],
    sign: async (secret, body) => ({ 'x-hub-signature-256': await signForGithub(secret, body) }),
  },
  stripe: {
    scheme: stripeScheme,
    secrets: ['whsec_stripe', 'whsec_other'],
    sign: async (secret, payload, atMs) => ({
      'stripe-signature': Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: atMs / 1_000 }),
    }),
  },
}
type Sign = (secret: string, body: string, atMs: number) => Promise<IncomingHttpHeaders>
const timed = Object.fromEntries(Object.entries(schemes).filter(([name]) => name !== 'github'))

function check(scheme: Scheme, secrets: readonly string[], headers: IncomingHttpHeaders, body: string | Buffer = BODY) {
  const keys = secrets.map((secret) => scheme.keyOf(secret))
  return verify(scheme, { headers, body: Buffer.from(body) }, { keys, toleranceMs: TOLERANCE_MS, nowMs: NOW_MS })
}

describe.each(Object.entries(schemes))('%s', (_, { scheme, secrets: [secret, other], sign }) => {
  test('what the library of its owner signs is signed', async () => {
    expect(check(scheme, [secret], await sign(secret, BODY, NOW_MS))).toBe('signed')
    expect(check(scheme, [secret], await sign(secret, ' ', NOW_MS), ' ')).toBe('signed')
  })

  test('any of several secrets will do, and no other', async () => {
    const headers = await sign(secret, BODY, NOW_MS)
    expect(check(scheme, [other, secret], headers)).toBe('signed')
    expect(check(scheme, [secret, other], headers)).toBe('signed')
    expect(check(scheme, [other], headers)).toBe('forged')
    expect(check(scheme, [], headers)).toBe('forged')
  })

  test('one byte more, less or changed is forged', async () => {
    const headers = await sign(secret, BODY, NOW_MS)
    for (const body of [`${BODY} `, BODY.slice(1), BODY.replace('user_1', 'user_2'), ''])
      expect(check(scheme, [secret], headers, body)).toBe('forged')
  })

  test('without one of its headers, or with an empty one, it is unsigned', async () => {
    const headers = await sign(secret, BODY, NOW_MS)
    expect(check(scheme, [secret], {})).toBe('unsigned')
    for (const name of Object.keys(headers)) {
      expect(check(scheme, [secret], { ...headers, [name]: undefined })).toBe('unsigned')
      expect(check(scheme, [secret], { ...headers, [name]: '' })).toBe('unsigned')
    }
  })

  test('a signature that is cut, longer, or no digest at all is none', async () => {
    const headers = await sign(secret, BODY, NOW_MS)
    const name = Object.keys(headers).at(-1) as string
    const signature = String(headers[name])
    for (const broken of [signature.slice(0, -3), `${signature}AAAA`, signature.replace(/=[0-9a-f]{4}|,..../, '$&*')])
      expect(check(scheme, [secret], { ...headers, [name]: broken })).not.toBe('signed')
  })
})

describe.each(Object.entries(timed))('%s has a time', (_, { scheme, secrets: [secret], sign }) => {
  test.each<[number, Verdict]>([
    [-TOLERANCE_MS, 'signed'],
    [TOLERANCE_MS, 'signed'],
    [-TOLERANCE_MS - 1_000, 'stale'],
    [TOLERANCE_MS + 1_000, 'stale'],
    [-86_400_000, 'stale'],
  ])('signed %i ms from now: %s', async (awayMs, expected) => {
    expect(check(scheme, [secret], await sign(secret, BODY, NOW_MS + awayMs))).toBe(expected)
  })

  test('that is signed, too: a fresh one on an old signature is forged', async () => {
    const old = await sign(secret, BODY, NOW_MS - 86_400_000)
    const fresh = await sign(secret, BODY, NOW_MS)
    expect(check(scheme, [secret], { ...old, 'webhook-timestamp': fresh['webhook-timestamp'] })).not.toBe('signed')
    const stripe = String(old['stripe-signature']).replace(/t=\d+/, `t=${NOW_MS / 1_000}`)
    expect(check(scheme, [secret], { ...old, 'stripe-signature': stripe })).not.toBe('signed')
  })

  test.each(['', 'soon', '1e9', '-1', '0x10', ' 1800000000', '18000000000000000', '1800000000.5'])(
    '"%s" is no time, even if it is signed',
    async (time) => {
      const mac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text)
      const standard = mac(standardScheme.keyOf(schemes.standard?.secrets[0] as string), `msg_1.${time}.${BODY}`)
      const stripe = mac('whsec_stripe', `${time}.${BODY}`)
      const headers = {
        'webhook-id': 'msg_1',
        'webhook-timestamp': time,
        'webhook-signature': `v1,${standard.digest('base64')}`,
        'stripe-signature': `t=${time},v1=${stripe.digest('hex')}`,
      }
      expect(check(scheme, [secret], headers)).not.toBe('signed')
    },
  )
})

describe('several signatures in one header', () => {
  const { standard, stripe } = schemes as Required<typeof schemes>

  test('standard: one that fits will do, among others and those of later versions', async () => {
    const [secret] = standard?.secrets ?? ['']
    const headers = (await standard?.sign(secret, BODY, NOW_MS)) ?? {}
    const fits = headers['webhook-signature']
    const wrong = `v1,${Buffer.alloc(32).toString('base64')}`
    const of = (signature: string) => check(standardScheme, [secret], { ...headers, 'webhook-signature': signature })
    expect(of(`${wrong} v1a,abc ${fits}`)).toBe('signed')
    expect(of(`${fits} ${wrong}`)).toBe('signed')
    expect(of(`${wrong} ${wrong}`)).toBe('forged')
    expect(of(`v1a,${String(fits).slice(3)}`)).toBe('unsigned')
  })

  test('stripe: one v1 that fits will do; two times, or v0, will not', async () => {
    const [secret] = stripe?.secrets ?? ['']
    const fits = String((await stripe?.sign(secret, BODY, NOW_MS))?.['stripe-signature'])
    const of = (signature: string) => check(stripeScheme, [secret], { 'stripe-signature': signature })
    expect(of(`${fits},v1=${'0'.repeat(64)},v0=${'0'.repeat(64)}`)).toBe('signed')
    expect(of(fits.replace(',v1', `,v1=${'0'.repeat(64)},v1`))).toBe('signed')
    expect(of(fits.replace(',', ', '))).toBe('signed')
    expect(of(`${fits},t=${NOW_MS / 1_000}`)).toBe('unsigned')
    expect(of(fits.replace('v1=', 'v0='))).toBe('unsigned')
  })
})

test('every signature is compared with every key, whichever of them fits', async () => {
  const [secret, other] = schemes.standard?.secrets ?? ['', '']
  const headers = (await schemes.standard?.sign(secret, BODY, NOW_MS)) ?? {}
  const fits = headers['webhook-signature']
  const wrong = `v1,${Buffer.alloc(32).toString('base64')}`
  for (const signatures of [`${fits} ${wrong} ${wrong}`, `${wrong} ${wrong} ${fits}`, `${wrong} ${wrong} ${wrong}`]) {
    for (const secrets of [
      [secret, other],
      [other, secret],
    ]) {
      vi.mocked(timingSafeEqual).mockClear()
      check(standardScheme, secrets, { ...headers, 'webhook-signature': signatures })
      expect(timingSafeEqual).toHaveBeenCalledTimes(6)
    }
  }
})

test.each(['', 'whsec_', 'whsec_dG9vIHNob3J0', 'not base64 at all, but long enough for it', 'whsec_ÄÖÜ'.repeat(9)])(
  'standard: "%s" is no secret, and is not quoted',
  (secret) => {
    expect(() => standardScheme.keyOf(secret)).toThrow(/^whsec_ and at least 24 bytes in base64$/)
  },
)

test('standard: the prefix whsec_ may be left out', () => {
  const key = base64('a secret of the standard kind')
  expect(standardScheme.keyOf(key)).toEqual(standardScheme.keyOf(`whsec_${key}`))
})
