import { optionalWhole, sharedSettings, whole } from '@redis-streams-processor/service-kit'
import { producerLimits } from '@redis-streams-processor/streams-core/settings'
import { z } from 'zod'

const MAX_EVENTS = 100_000_000
const durabilities = ['memory', 'fsync'] as const

export const settingsSchema = z
  .object({
    ...sharedSettings,
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
