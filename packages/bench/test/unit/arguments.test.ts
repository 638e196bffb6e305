import { describe, expect, test } from 'vitest'
import { readArguments } from '../../src/arguments.ts'
import { contestantNames } from '../../src/contestants/index.ts'
import { scenarioNames } from '../../src/scenarios/index.ts'

describe('arguments', () => {
  test('by default everything, five rounds', () => {
    expect(readArguments([])).toMatchObject({ scenarios: scenarioNames, contestants: contestantNames, rounds: 5 })
  })

  test('quick: one round, unless more are asked for', () => {
    expect(readArguments(['--quick'])).toMatchObject({ size: 'quick', rounds: 1 })
    expect(readArguments(['--quick', '--rounds', '3'])).toMatchObject({ size: 'quick', rounds: 3 })
  })

  test('what is chosen keeps its own order', () => {
    const { scenarios, contestants } = readArguments(['--only', 'publish,burst', '--contestants', 'bullmq,ours'])
    expect(scenarios).toEqual(['burst', 'publish'])
    expect(contestants).toEqual(['ours', 'bullmq'])
  })

  test('JSON, into a file or not', () => {
    expect(readArguments(['--json'])).toMatchObject({ isJson: true, jsonFile: undefined })
    expect(readArguments(['--json', 'a.json'])).toMatchObject({ isJson: true, jsonFile: 'a.json' })
  })

  test.each([
    [['--nope'], 'Unknown option'],
    [['a.json'], 'unexpected: a.json'],
    [['--only', 'burst,nope'], 'no such scenario: nope'],
    [['--contestants', 'nope'], 'no such contestant: nope'],
    [['--rounds', '0'], '--rounds: expected a whole number above 0, got 0'],
    [['--quick', '--full'], '--quick or --full, not both'],
  ])('%o is refused', (args, message) => {
    expect(() => readArguments(args)).toThrow(message)
  })
})
