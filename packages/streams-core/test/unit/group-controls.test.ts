import { expect, test } from 'vitest'
import type { ControlsBroker } from '../../src/broker/controls.ts'
import { GroupControls } from '../../src/consume/controls/group-controls.ts'

test('whoever has seen the group paused while its circuit was being opened goes on when that fails', async () => {
  // Nothing is asked of Redis here.
  const broker = {} as ControlsBroker
  const tell = Object.assign(() => {}, { isHeard: false })
  const controls = new GroupControls({ group: 'group_1', consumer: 'consumer_1' }, { broker, tell })
  const paused: boolean[] = []
  controls.onChange(() => paused.push(controls.isPaused))
  const opening = controls.pauseWhile(async () => {
    controls.seen(['limit', '5'])
    throw new Error('Redis did not take it')
  })
  await expect(opening).rejects.toThrow('Redis did not take it')
  expect(paused).toEqual([true, false])
  expect(controls.isPaused).toBe(false)
})
