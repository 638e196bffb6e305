import type { z } from 'zod'
import type { ConsumerSettings, consumerSchema } from '../../src/define/consumer-settings.ts'
import type { ProducerSettings, producerSchema } from '../../src/define/producer-settings.ts'
import type { Retention, retentionSchema } from '../../src/define/retention.ts'

// Compiled by `npm run typecheck`: the documented interfaces are what the schemas take, no option more and none less.

type Same<A, B> = [A, B] extends [B, A] ? SameKeys<A, B> : false
/** Optional options may be forgotten without hurting assignability, so the keys are compared as well. */
type SameKeys<A, B> = [keyof A, keyof B] extends [keyof B, keyof A] ? true : false
type Of<R, P> = Extract<R, { policy: P }>

export const consumer: Same<ConsumerSettings, z.input<typeof consumerSchema>> = true
type ConsumerInput = z.input<typeof consumerSchema>
export const retry: Same<NonNullable<ConsumerSettings['retry']>, NonNullable<ConsumerInput['retry']>> = true
export const idempotency: Same<
  NonNullable<ConsumerSettings['idempotency']>,
  NonNullable<ConsumerInput['idempotency']>
> = true
export const producer: Same<ProducerSettings, z.input<typeof producerSchema>> = true

type RetentionInput = z.input<typeof retentionSchema>
export const maxlen: Same<Of<Retention, 'maxlen'>, Of<RetentionInput, 'maxlen'>> = true
export const acknowledged: Same<
  Exclude<Retention, { policy: 'maxlen' }>,
  Exclude<RetentionInput, { policy: 'maxlen' }>
> = true
