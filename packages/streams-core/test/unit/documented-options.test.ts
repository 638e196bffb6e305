import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { consumerLimits, idempotencyLimits, producerLimits, retentionLimits, retryLimits } from '../../src/settings.ts'

interface Documented {
  min: number
  max: number
  default?: number
}

const read = (file: string) => readFileSync(new URL(`../../src/define/${file}.ts`, import.meta.url), 'utf8')

/** The doc comment that stands before an option in an interface. */
function commentOf(file: string, owner: string, option: string): string {
  const [, body = ''] = read(file).split(`interface ${owner} {`)
  const before = (body.split('\n}\n')[0] ?? '').split(new RegExp(`\\n  ${option}\\??: `))[0] ?? ''
  return before
    .slice(before.lastIndexOf('/**'))
    .replaceAll(/\n\s*\* ?/g, ' ')
    .replaceAll(/\s+/g, ' ')
}

const number = (value: number) => value.toLocaleString('en-US')

const options: [file: string, owner: string, Record<string, Documented>][] = [
  ['consumer-settings', 'ConsumerSettings', consumerLimits],
  ['consumer-settings', 'RetrySettings', { maxDeliveries: retryLimits.maxDeliveries }],
  ['consumer-settings', 'IdempotencySettings', idempotencyLimits],
  ['producer-settings', 'ProducerSettings', producerLimits],
  [
    'retention',
    'AcknowledgedRetention',
    {
      maxLength: retentionLimits.maxLength,
      keepAtLeast: retentionLimits.keepAtLeast,
      warnAfterMs: retentionLimits.warnAfterMs,
    },
  ],
  [
    'retention',
    'MaxlenRetention',
    { maxLength: retentionLimits.lossyMaxLength, warnAfterMs: retentionLimits.warnAfterMs },
  ],
]
const cases = options.flatMap(([file, owner, limits]) =>
  Object.entries(limits).map(([option, limit]) => [owner, option, file, limit] as const),
)

test.each(cases)('%s.%s: its doc comment names unit, range and default', (owner, option, file, limit) => {
  const comment = commentOf(file, owner, option)
  expect(comment).toContain(`${number(limit.min)} to ${number(limit.max)}`)
  if (limit.default !== undefined) expect(comment).toContain(`Default ${number(limit.default)}`)
  if (option.endsWith('Ms')) expect(comment).toContain('Milliseconds')
  if (option.endsWith('Bytes')) expect(comment).toContain('Bytes')
})
