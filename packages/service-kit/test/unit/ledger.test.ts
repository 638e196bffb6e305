import { expect, test } from 'vitest'
import { Ledger } from '../../src/index.ts'

test.skipIf(process.platform !== 'linux')('a folder that the system does not allow ends the ledger, once', () => {
  const failures: Error[] = []
  const ledger = new Ledger('/proc/nowhere/ledger', 'test', (error) => failures.push(error))
  ledger.write({ what: 'joined', group: 'g', consumer: 'c' })
  ledger.close()
  expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining("mkdir '/proc/nowhere'")])
})
