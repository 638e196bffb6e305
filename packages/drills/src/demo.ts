import { endOnSignal, endWithoutServer } from '@redis-streams-processor/testbed'
import { parseArguments } from './arguments.ts'
import { DEMO_LEASE_MS, demo } from './drills/demo.ts'
import { faultsIn } from './judge.ts'
import { runDrill } from './run-drill.ts'
import { say } from './terminal.ts'
import { inFull } from './verdict-table.ts'

// `npm run demo`: one drill, told in full.

endOnSignal()
const { values } = parseArguments({ options: { json: { type: 'boolean', default: false } } })
const options = { events: demo.events, seed: 1, quick: false, deadlineMs: 50_000 }
const verdict = await runDrill('demo', demo, options).catch(endWithoutServer)
const { held, worstMs } = verdict.recovery
const table = inFull(verdict, [
  ['held by the killed consumer', held],
  ['running elsewhere after', `${worstMs ?? 'never'} ms (lease ${DEMO_LEASE_MS} ms)`],
])
console.log(values.json ? JSON.stringify(verdict) : `\n${table}`)
for (const complaint of [...faultsIn(verdict), ...verdict.complaints]) say(complaint)
process.exitCode = verdict.passed ? 0 : 1
