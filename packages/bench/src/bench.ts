import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { endOnSignal, endWithoutServer } from '@redis-streams-processor/testbed'
import { judgeAims } from './aims.ts'
import { type Arguments, listing, readArguments, WrongArgumentError } from './arguments.ts'
import { buildWorker } from './build-worker.ts'
import { enter } from './entry.ts'
import { thisMachine, versionsOf } from './machine.ts'
import { drawSpeeds } from './plot.ts'
import { asMarkdown } from './print.ts'
import { race } from './race.ts'
import type { Results, TakenSample } from './results.ts'

// `npm run bench`: measures this project beside its peers, on this machine, each on a server of its own.

const PLOT = fileURLToPath(new URL('../../../docs/benchmarks.svg', import.meta.url))

endOnSignal()
const given = readOrEnd()
if (given.isList) end(listing())
if (given.markdownOf) end(asMarkdown(resultsIn(given.markdownOf)))
if (given.plotOf) {
  const drawn = drawSpeeds(resultsIn(given.plotOf))
  if (drawn === undefined) endWrong(`${given.plotOf}: nothing to draw, which needs burst, drain or publish, with bare`)
  writeFileSync(PLOT, drawn)
  end(`drawn: ${PLOT}`)
}
// Not after half an hour.
if (given.jsonFile !== undefined) orEnd(given.jsonFile, (file) => writeFileSync(file, ''))
try {
  const results = await measure(given)
  const json = JSON.stringify({ ...results, aims: judgeAims(results) })
  if (given.isJson && given.jsonFile === undefined) console.log(json)
  else console.log(asMarkdown(results))
  if (given.jsonFile !== undefined) writeFileSync(given.jsonFile, json)
} catch (error) {
  console.error('broke down:', error)
  // What was started ends with the process.
  process.exit(1)
}
process.exit()

function end(text: string): never {
  console.log(text)
  process.exit()
}

function endWrong(message: string): never {
  console.error(message)
  return process.exit(2)
}

function orEnd<T>(file: string, use: (file: string) => T): T {
  try {
    return use(file)
  } catch (error) {
    return endWrong(`${file}: ${(error as Error).message}`)
  }
}

function resultsIn(file: string): Results {
  const results = orEnd(file, (name) => JSON.parse(readFileSync(name, 'utf8')) as Results)
  return Array.isArray(results.samples) ? results : endWrong(`${file}: not a file of --json`)
}

function readOrEnd(): Arguments {
  try {
    return readArguments(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof WrongArgumentError)) throw error
    return endWrong(error.message)
  }
}

async function measure({ contestants, thorough, scenarios, rounds, size }: Arguments): Promise<Results> {
  const startedAt = new Date().toISOString()
  const program = await buildWorker()
  const { settings, leftOut, versions } = await enter(contestants, program).catch(endWithoutServer)
  const entered = contestants.filter((name) => settings[name] !== undefined)
  for (const [name, why] of Object.entries(leftOut)) console.error(`${name} is left out: ${why}`)
  const samples: TakenSample[] = []
  for await (const sample of race({ program, scenarios, thorough, contestants: entered, rounds, size })) {
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
