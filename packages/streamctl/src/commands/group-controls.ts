import { type GroupControls, openControls } from '@redis-streams-processor/streams-core'
import { rate } from '../input.ts'
import { type Changed, controlsText, unknownTypeText } from '../show/controls-text.ts'
import { loadCatalog } from '../tool/catalog.ts'
import { groupsOf } from '../tool/choose-group.ts'
import type { Tool } from '../tool/tool.ts'

interface Pause {
  type?: string
  catalog?: string
  reason?: string
}

type Control = 'group pause' | 'group resume' | 'group limit'

/** Changes the controls of a group, and says what was done, and what else is in force then. */
async function control(
  tool: Tool<Control>,
  group: string,
  change: (controls: GroupControls) => Promise<void>,
  changed: Changed,
): Promise<void> {
  await groupsOf(tool, group)
  const controls = openControls(tool.stream, { ...tool.redis, group })
  try {
    const before = await controls.state()
    await change(controls)
    const state = await controls.state()
    tool.show({ group, ...state }, (width) => controlsText(group, changed, { before, state }, width))
  } finally {
    await controls.close()
  }
}

const eventTypeOf = ({ type }: Pick<Pause, 'type'>) => (type === undefined ? {} : { eventType: type })

export async function pause(tool: Tool<'group pause'>, given: Pause, name: string): Promise<void> {
  const reason = given.reason === undefined ? {} : { reason: given.reason }
  const eventType = eventTypeOf(given)
  const change = async (controls: GroupControls) => {
    if (given.type !== undefined) await checkType(tool, controls, given.type, given.catalog)
    await controls.pause({ ...eventType, ...reason })
  }
  await control(tool, name, change, { what: 'pause', ...eventType })
}

/** The pause of a mistyped type is in force, and holds nothing up: nobody would notice. */
async function checkType(tool: Tool, controls: GroupControls, type: string, catalog: string | undefined) {
  const ofCatalog = catalog === undefined ? [] : Object.keys(await loadCatalog(catalog))
  const known = new Set([...ofCatalog, ...(await controls.knownTypes())])
  if (!known.has(type)) await tool.confirm('Pause it all the same?', unknownTypeText(type, [...known].sort()))
}

export async function resume(tool: Tool<'group resume'>, given: Pick<Pause, 'type'>, name: string): Promise<void> {
  const eventType = eventTypeOf(given)
  await control(tool, name, (controls) => controls.resume(eventType), { what: 'resume', ...eventType })
}

export async function limit(tool: Tool<'group limit'>, _: object, name: string, perSecond: string): Promise<void> {
  const value = perSecond === 'none' ? undefined : rate(perSecond)
  await control(tool, name, (controls) => controls.limit(value), { what: 'limit' })
}
