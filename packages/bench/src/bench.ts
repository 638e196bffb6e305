import { writeFileSync } from 'node:fs'
import { endOnSignal, endWithoutServer } from '@redis-streams-processor/testbed'
import { type Arguments, listing, readArguments, WrongArgumentError } from './arguments.ts'
import { buildWorker } from './build-worker.ts'
import { enter } from './entry.ts'
import { thisMachine, versionsOf } from './machine.ts'
import { asMarkdown } from './print.ts'
import { race } from './race.ts'
import type { Results, TakenSample } from './results.ts'

// `npm run bench`: measures this project beside its peers, on this machine, each on a server of its own.

endOnSignal()
const given = readOrEnd()
if (given.isList) {
  console.log(listing())
  process.exit()
}
try {
  const results = await measure(given)
  if (given.isJson && given.jsonFile === undefined) console.log(JSON.stringify(results))
  else console.log(asMarkdown(results))
  if (given.jsonFile !== undefined) writeFileSync(given.jsonFile, JSON.stringify(results))
} catch (error) {
  console.error('broke down:', error)
  // What was started ends with the process.
  process.exit(1)
}
process.exit()

function readOrEnd(): Arguments {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof WrongArgumentError)) throw error
    console.error(error.message)
    return process.exit(2)
  }
}

async function measure({ contestants, scenarios, rounds, size }: Arguments): Promise<Results> {
  const startedAt = new Date().toISOString()
  const program = await buildWorker()
  const { settings, leftOut, versions } = await enter(contestants, program).catch(endWithoutServer)
  const entered = contestants.filter((name) => settings[name] !== undefined)
  for (const [name, why] of Object.entries(leftOut)) console.error(`${name} is left out: ${why}`)
  const samples: TakenSample[] = []
  for await (const sample of race({ program, scenarios, contestants: entered, rounds, size })) {
    samples.push(sample)
    const [[key, value] = []] = Object.entries(sample.figures)
    console.error(`${sample.scenario} ${sample.round} ${sample.contestant}: ${key} ${value?.toFixed(2)}`)
  }
  return {
    ...{ startedAt, size, rounds, settings, leftOut, samples },
    machine: thisMachine(),
    versions: { node: process.version.slice(1), ...versions, ...versionsOf(entered) },
  }
}
