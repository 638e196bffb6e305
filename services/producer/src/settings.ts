import { isIP, isIPv4 } from 'node:net'
import { optionalWhole, sharedSettings, whole } from '@redis-streams-processor/service-kit'
import { producerLimits } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'
import { secretSettings } from './webhooks/secrets.ts'

const MAX_EVENTS = 100_000_000
const durabilities = ['memory', 'fsync'] as const
const switches = ['on', 'off'] as const

const NETWORKS = ['loopback', 'linklocal', 'uniquelocal']

/** What Fastify takes as well: it trusts no network of all addresses, and knows few names of zones (`%eth0`). */
function isListOfProxies(text: string): boolean {
  return text.split(',').every((proxy) => {
    const [address = '', bits, ...more] = proxy.split('/')
    const isAddress = isIP(address) !== 0 && !address.includes('%') && more.length === 0
    const isSize = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (isIPv4(address) ? 32 : 128))
    return NETWORKS.includes(proxy) || (isAddress && isSize)
  })
}

export const settingsSchema = z
  .object({
    ...sharedSettings,
    HTTP_PORT: whole({ min: 0, max: 65_535, default: 3_000 }),
    HTTP_HOST: z.string().default('0.0.0.0'),
    HTTP_DRAIN_DELAY_MS: whole({ min: 0, max: 300_000, default: 0 }),
    TRUST_PROXY: z
      .string()
      .refine(isListOfProxies, 'addresses or networks with commas between them, e.g. 10.0.0.0/8,loopback')
      .optional(),
    ...secretSettings,
    WEBHOOK_TOLERANCE_MS: whole({ min: 1_000, max: 86_400_000, default: 300_000 }),
    WEBHOOK_RATE_LIMIT: whole({ min: 0, max: 1_000_000, default: 0 }),
    SIMULATE: z.enum(switches, { error: `one of ${switches.join(', ')}` }).default('on'),
    INTERVAL_MS: whole({ min: 1, max: 3_600_000, default: 500 }),
    BURST: optionalWhole({ min: 1, max: MAX_EVENTS }),
    FAILING: optionalWhole({ min: 0, max: MAX_EVENTS }),
    DUPLICATES: whole({ min: 0, max: MAX_EVENTS, default: 0 }),
    USERS: whole({ min: 1, max: 1_000_000, default: 10 }),
    PUBLISH_TIMEOUT_MS: whole(producerLimits.publishTimeoutMs),
    DEDUPE_MS: whole(producerLimits.dedupeMs),
    DURABILITY: z.enum(durabilities, { error: `one of ${durabilities.join(', ')}` }).default('memory'),
  })
  .refine(({ DEDUPE_MS, PUBLISH_TIMEOUT_MS }) => DEDUPE_MS === 0 || DEDUPE_MS >= PUBLISH_TIMEOUT_MS, {
    path: ['DEDUPE_MS'],
    message: '0, or at least PUBLISH_TIMEOUT_MS',
  })

export type ProducerServiceSettings = z.output<typeof settingsSchema>
