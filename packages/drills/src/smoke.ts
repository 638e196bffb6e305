import { parseArguments } from './arguments.ts'
import { untilJoined } from './smoke/consumers.ts'
import { Outside } from './smoke/outside.ts'
import { LEASE_MS, Stack } from './smoke/stack.ts'
import { type Finding, must, type Step } from './smoke/step.ts'
import { crash } from './smoke/steps/crash.ts'
import { killByHand } from './smoke/steps/kill-by-hand.ts'
import { operations } from './smoke/steps/operations.ts'
import { operators } from './smoke/steps/operators.ts'
import { partition } from './smoke/steps/partition.ts'
import { redisPause } from './smoke/steps/redis-pause.ts'
import { redisRestart } from './smoke/steps/redis-restart.ts'
import { rolling } from './smoke/steps/rolling.ts'
import { scaleDownUp } from './smoke/steps/scale-down-up.ts'
import { type SmokeVerdict, show, verdictOn } from './smoke/verdict.ts'
import { drawAndCount, endProgress, say } from './terminal.ts'

// `npm run smoke`: the same judgement as the demo's, against Compose. 10,000 signed webhooks at once from outside, and
// some all the while, besides those that the producer service simulates; three consumers; containers killed, restarted,
// scaled, cut off, paused and replaced under load.

const EVENTS = 10_000
const SETTINGS = {
  LOG_LEVEL: 'warn',
  // The work must last longer than all the steps together; that is checked after each.
  WORK_MS: '350',
  LEASE_MS: String(LEASE_MS),
  // Without user_1003: no simulated webhook fails.
  USERS: '2',
}
const STEPS: readonly Step[] = [
  operations,
  operators,
  killByHand,
  crash,
  redisRestart,
  scaleDownUp,
  partition,
  redisPause,
  rolling,
]

async function smoke(stack: Stack): Promise<SmokeVerdict> {
  say('building the images, starting Redis, a producer, three consumers and a console')
  await stack.build()
  await stack.compose('up', '--detach', '--wait', '--scale', 'consumer=3')
  await untilJoined(stack, await stack.running('consumer'))
  const outside = new Outside(stack, EVENTS)
  try {
    say(`sending ${EVENTS} signed webhooks at once; one of them always fails and is sent twice`)
    await outside.sendAtOnce()
    outside.sendOn()
    const { findings, failures } = await runSteps(stack)
    await outside.close()
    await stack.stop('producer')
    await untilDone(stack).catch((error) => failures.push(error.message))
    await stack.stop('consumer')
    return verdictOn(stack, outside, findings, failures)
  } finally {
    await outside.close()
  }
}

async function untilDone(stack: Stack): Promise<void> {
  say('waiting until nothing is left to do')
  const look = async () => (await drawAndCount([stack.group])).isDone
  await stack.until('nothing is left to do', look, 120_000).finally(endProgress)
}

/** One after the other; after one that fails, the state is not what the next one expects. */
async function runSteps(stack: Stack) {
  const findings: (Finding & { name: string; seconds: number })[] = []
  const failures: string[] = []
  for (const { name, run } of STEPS) {
    say(name)
    const since = Date.now()
    try {
      const finding = await run(stack)
      const { openWork } = await stack.group.state()
      must(openWork > 0, 'no work was open any more: the step proved nothing')
      findings.push({ name, ...finding, seconds: Math.round((Date.now() - since) / 100) / 10 })
      say(`  ${finding.seen}; ${openWork} entries to do`)
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`)
      break
    }
  }
  return { findings, failures }
}

const { values } = parseArguments({ options: { json: { type: 'boolean', default: false } } })
const interrupted = new AbortController()
// These listeners stay: npm hands a Ctrl-C on once more, and the second must not stop the tidying up.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(name, () => interrupted.abort(new Error(`interrupted by ${name}`)))

process.exitCode = 1
let stack: Stack | undefined
try {
  stack = await Stack.open(SETTINGS, interrupted.signal)
  const verdict = await smoke(stack)
  console.log(values.json ? JSON.stringify(verdict) : `\n${show(verdict)}\n`)
  if (verdict.passed) process.exitCode = 0
  else say(stack.watch.logsOfSuspects())
} catch (error) {
  const { message } = error as Error
  if (values.json) console.log(JSON.stringify({ passed: false, complaints: [message] }))
  say(message)
  if (stack && !interrupted.signal.aborted) say(stack.watch.logsOfSuspects())
} finally {
  await stack?.remove().catch((error) => {
    process.exitCode = 1
    say(`not everything could be removed: ${error.message}`)
  })
}
