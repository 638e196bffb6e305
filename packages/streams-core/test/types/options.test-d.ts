import type { z } from 'zod'
import type { ConsumerSettings, consumerSchema } from '../../src/define/consumer-settings.ts'
import type { ProducerSettings, producerSchema } from '../../src/define/producer-settings.ts'
import type { Retention, retentionSchema } from '../../src/define/retention.ts'

// Compiled by `npm run typecheck`. The interfaces carry the documentation, the schemas the checks: an option that only
// one of them has, or has with another type, does not compile.

/** `true` when the two types are identical in every property, also in which are optional. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const consumer: Same<ConsumerSettings, z.input<typeof consumerSchema>> = true
export const producer: Same<ProducerSettings, z.input<typeof producerSchema>> = true
export const retention: Same<Retention, z.input<typeof retentionSchema>> = true

// The check itself: types that differ are not the same.
export const forgotten: Same<{ a: number; b?: number }, { a: number }> = false
export const optional: Same<{ a: number }, { a?: number }> = false
export const nested: Same<{ a: { b?: number } }, { a: { b?: string } }> = false
