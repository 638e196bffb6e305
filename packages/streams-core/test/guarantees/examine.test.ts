import { describe, expect } from 'vitest'
import { examineStream } from '../../src/index.ts'
import { keyRules, rights } from '../../src/settings.ts'
import { GROUP, type Lab, test } from '../support/lab.ts'

const examine = (lab: Lab, redis = lab.as('operator')) => examineStream({ name: lab.streamName }, { redis })

describe('examineStream', () => {
  test('of a Redis where all is well', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const found = await examine(lab)
    expect(found).toMatchObject({
      server: { version: expect.stringMatching(/^\d+\.\d+/), warnings: [] },
      memory: { usedBytes: expect.any(Number), maxBytes: 0 },
      isWritingToDisk: true,
      missingRights: { needed: [], optional: [] },
      wrongTypes: [],
    })
    expect(found.memory?.usedBytes).toBeGreaterThan(0)
    expect(found.uptimeMs).toBeGreaterThanOrEqual(0)
    expect(Math.abs(found.clockAheadMs ?? Number.NaN)).toBeLessThan(1_000)
  })

  test('names the keys that hold something else', async ({ lab }) => {
    await lab.send('XGROUP', 'CREATE', lab.streamName, GROUP, '0', 'MKSTREAM')
    const [dead, marks] = [`{${lab.streamName}}:${GROUP}:dead`, `{${lab.streamName}}:marks`]
    await lab.send('SET', dead, 'text')
    await lab.send('SADD', marks, 'member')
    expect((await examine(lab)).wrongTypes).toEqual([
      { key: marks, expected: 'hash', actual: 'set' },
      { key: dead, expected: 'stream', actual: 'string' },
    ])
    await lab.send('DEL', dead, marks)
  })

  test('a stream that is no stream is named, and so is one that is not there', async ({ lab }) => {
    expect((await examine(lab)).wrongTypes).toEqual([])
    await lab.send('SET', lab.streamName, 'text')
    const wrong = { key: lab.streamName, expected: 'stream', actual: 'string' }
    expect((await examine(lab)).wrongTypes).toEqual([wrong])
    await lab.send('DEL', lab.streamName)
  })

  test('names each right that the user lacks, be it of a command or of a key', async ({ lab: shared }) => {
    const { redis, lab } = await shared.ownRedis()
    const { needed, optional } = rights.operator
    const [ofStream = '', ofOthers = ''] = keyRules(lab.streamName)
    async function missingWith(...rules: string[]) {
      await lab.send('ACL', 'SETUSER', 'somebody', 'reset', 'on', '>secret', ...rules)
      const found = await examine(lab, `redis://somebody:secret@127.0.0.1:${redis.port}`)
      return found
    }
    const all = [...needed, ...optional]
    for (const rule of all.filter((one) => !/eval/.test(one))) {
      const others = all.filter((one) => one !== rule)
      const { missingRights } = await missingWith(ofStream, ofOthers, ...others)
      expect([...missingRights.needed, ...missingRights.optional]).toEqual([rule])
    }
    expect((await missingWith(ofStream, ...all)).missingRights.needed).toEqual([ofOthers])
    expect((await missingWith(ofStream, ofOthers)).missingRights.needed).toEqual(['+eval', '+evalsha'])
    const blind = await missingWith(ofStream, ofOthers, '+eval', '+evalsha')
    expect(blind).toMatchObject({ memory: undefined, isWritingToDisk: undefined, wrongTypes: undefined })
    expect(blind.clockAheadMs).toBeUndefined()
    expect(blind.missingRights.needed).toHaveLength(needed.length - 2)
  })
})
