import { expect, test } from 'vitest'
import { opsPortAt } from '../../src/ops-port-at.ts'

test.each<[string | undefined, string[]]>([
  [undefined, ['9464', '9465', '9466']],
  ['', ['9464', '9465', '9466']],
  ['7000', ['7000', '7001', '7002']],
  // There is no port after the last one: any free one will do.
  ['65534', ['65534', '65535', '0']],
  ['0', ['0', '0', '0']],
  ['65536', ['65536', '65536', '65536']],
  ['none', ['none', 'none', 'none']],
])('OPS_PORT=%s: the processes have %j', (first, ports) => {
  expect([0, 1, 2].map((place) => opsPortAt(place, first))).toEqual(ports)
})
