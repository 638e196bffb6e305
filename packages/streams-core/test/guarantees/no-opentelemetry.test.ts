import { fileURLToPath } from 'node:url'
import { Worker } from '@redis-streams-processor/testbed'
import { expect } from 'vitest'
import { test } from '../support/lab.ts'

const PROGRAM = fileURLToPath(new URL('../support/publish-and-handle.ts', import.meta.url))
const HOOKS = new URL('../support/no-opentelemetry.mjs', import.meta.url)

test.for<{ env: Record<string, string>; hasOpenTelemetry: boolean }>([
  { env: { NODE_OPTIONS: `--import ${HOOKS}` }, hasOpenTelemetry: false },
  { env: {}, hasOpenTelemetry: true },
])(
  'an event is published and handled, whether OpenTelemetry is installed: $hasOpenTelemetry',
  async ({ env, hasOpenTelemetry }, { lab }) => {
    const worker = new Worker(PROGRAM, { REDIS_URL: lab.url, STREAM: lab.streamName, ...env })
    lab.onClose(async () => worker.kill('SIGKILL'))
    expect(await worker.closed()).toBe(0)
    expect(worker.lines).toEqual([{ msg: 'handled', hasOpenTelemetry }])
  },
)
