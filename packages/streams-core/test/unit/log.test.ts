import { expect, test } from 'vitest'
import { newLog } from '../../src/tell/log.ts'

type Name = 'commands' | 'reads'

function connections() {
  const lines: string[] = []
  const write = (fields: object, message: string) => void lines.push([...Object.values(fields), message].join(' '))
  const tell = newLog({ debug: write, info: write, warn: write, error: write })
  return {
    lost: (connection: Name, error: string) =>
      tell({ kind: 'connection', connection, state: 'lost', cause: new Error(error) }),
    connected: (connection: Name) => tell({ kind: 'connection', connection, state: 'connected', cause: undefined }),
    /** What was logged since the last call. */
    said: () => lines.splice(0),
  }
}

const AWAY = 'no connection to Redis, trying again'

test('what keeps both connections away is told once, and its end once', () => {
  const { lost, connected, said } = connections()
  for (const error of ['not trusted', 'not there']) {
    lost('commands', error)
    lost('reads', error)
    expect(said()).toEqual([`commands ${error} ${AWAY}`])
    connected('reads')
    expect(said()).toEqual([])
    connected('commands')
    expect(said()).toEqual(['commands connected to Redis'])
  }
})

test('another error is told as well, and so is the same one after the connection was there', () => {
  const { lost, connected, said } = connections()
  connected('commands')
  connected('reads')
  expect(said()).toEqual(['commands connected to Redis', 'reads connected to Redis'])
  lost('reads', 'no reply')
  lost('commands', 'not there')
  expect(said()).toEqual([`reads no reply ${AWAY}`, `commands not there ${AWAY}`])
  connected('commands')
  lost('commands', 'not there')
  expect(said()).toEqual([`commands not there ${AWAY}`])
})
