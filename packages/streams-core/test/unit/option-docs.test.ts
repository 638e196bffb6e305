import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  batchLimits,
  circuitLimits,
  consumerLimits,
  idempotencyLimits,
  type Limits,
  producerLimits,
  retentionLimits,
  retryLimits,
} from '../../src/define/limits.ts'

const { maxLength, keepAtLeast, keepForMs, warnAfterMs, lossyMaxLength } = retentionLimits
const { maxDeliveries, baseMs, maxMs } = retryLimits

/** A default that is no number is named in words. */
type Documented = Record<string, Omit<Limits, 'default'> & { default?: number | string }>

test.each<[string, string, Documented]>([
  [
    'consumer-settings.ts',
    'ConsumerSettings',
    { ...consumerLimits, maxBuffered: { ...consumerLimits.maxBuffered, default: 'what will start within 50 ms' } },
  ],
  ['consumer-settings.ts', 'RetrySettings', { maxDeliveries }],
  ['consumer-settings.ts', 'IdempotencySettings', idempotencyLimits],
  ['consumer-settings.ts', 'CircuitSettings', circuitLimits],
  ['batch.ts', 'BatchOptions<E extends StreamEvent>', batchLimits],
  ['producer-settings.ts', 'ProducerSettings', producerLimits],
  ['retention.ts', 'AcknowledgedRetention', { maxLength, keepAtLeast, keepForMs, warnAfterMs }],
  ['retention.ts', 'MaxlenRetention', { maxLength: lossyMaxLength, warnAfterMs }],
])('%s: %s names the range and the default of each number option', (file, name, limits) => {
  const [, body = ''] = new RegExp(`^export interface ${name} {\n(.*?)^}`, 'ms').exec(read(file)) ?? []
  const options = [...body.matchAll(/\/\*\*(.*?)\*\/\s+(\w+)\??: number$/gms)]
  const documented = options.map(([, comment = '', option = '']) => [option, rangeIn(comment)])
  const expected = Object.entries(limits).map(([option, of]) => [option, describe(option, of)])
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(expected))
})

test('retry-delay.ts: exponential names the range and the default of its bounds', () => {
  const params = read('retry-delay.ts').matchAll(/@param options\.(\w+Ms) (.*)$/gm)
  expect(Object.fromEntries([...params].map(([, option = '', text = '']) => [option, rangeIn(text)]))).toEqual({
    baseMs: describe('baseMs', baseMs).replace(number(baseMs.max), '`maxMs`'),
    maxMs: describe('maxMs', maxMs),
  })
})

const read = (file: string) => readFileSync(new URL(`../../src/define/${file}`, import.meta.url), 'utf8')
const number = (value: number | string) => (typeof value === 'number' ? value.toLocaleString('en-US') : value)

/** "Milliseconds, 500 to 43,200,000. Default 10,000" */
function describe(option: string, { min, max, default: fallback }: Documented[string]): string {
  const unit = option.endsWith('Ms') ? 'Milliseconds, ' : option.endsWith('Bytes') ? 'Bytes, ' : ''
  return `${unit}${number(min)} to ${number(max)}. Default ${number(fallback ?? 'missing')}`
}

/** The same words as a comment has them. */
function rangeIn(comment: string): string | undefined {
  const text = comment.replace(/\s*\n[ *]*/g, ' ')
  const found =
    /(?:Milliseconds, |Bytes, )?[\d,.]+ to \S+\. Default:? (?:[\d,.]*\d|`\w+`|what will start within \d+ ms)/.exec(text)
  return found?.[0].replace('Default:', 'Default')
}
