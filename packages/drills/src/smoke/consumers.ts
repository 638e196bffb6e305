import type { Takedown } from '../recovery.ts'
import { GROUP, LEASE_MS, type Stack } from './stack.ts'
import { must } from './step.ts'

const JOIN_MS = 30_000
// A lease, a scan, and the crash suspects one by one.
const TAKE_OVER_MS = LEASE_MS + 25_000

/** A container's consumers, one for each time that it was started, are called after its host name: its short id. */
const isOf = (containerId: string) => (consumer: string) => consumer.startsWith(`${containerId.slice(0, 12)}-`)

/** Resolves once each of these containers has a consumer in the group, other than those of before. */
export async function untilJoined(stack: Stack, containerIds: readonly string[], before: readonly string[] = []) {
  const look = async () => {
    const names = [...(await stack.group.consumers()).keys()].filter((name) => !before.includes(name))
    return containerIds.every((id) => names.some(isOf(id)))
  }
  await stack.until('consumers join the group', look, JOIN_MS)
}

export interface Victim {
  containerId: string
  consumer: string
  /** Its names so far, those of former starts among them. */
  names: string[]
}

/** `consumer` is the name that was active last; pseudo-consumers are left out. */
export async function victimOf(stack: Stack, containerId: string): Promise<Victim> {
  const consumers = [...(await stack.group.consumers())].sort(([, a], [, b]) => a.inactiveMs - b.inactiveMs)
  const names = consumers.map(([name]) => name).filter(isOf(containerId))
  return { containerId, consumer: names.find((name) => !name.includes('~')) ?? '', names }
}

/** A running consumer that holds entries. */
export async function pickVictim(stack: Stack): Promise<Victim> {
  const look = async () => {
    const consumers = [...(await stack.group.consumers())]
    const load = (id: string) => consumers.reduce((sum, [name, { pending }]) => sum + (isOf(id)(name) ? pending : 0), 0)
    return (await stack.running('consumer')).filter((id) => load(id) > 0).sort((a, b) => load(b) - load(a))[0]
  }
  const containerId = await stack.until('a consumer holds entries', look, 20_000)
  return victimOf(stack, containerId)
}

/** Kills the consumer, and makes sure that it held entries. */
export async function strike(stack: Stack, victim: Victim, kill: () => Promise<unknown>): Promise<Takedown> {
  const deathsBefore = stack.watch.deaths.length
  stack.watch.excuse(victim.containerId)
  await kill()
  const at = Date.now()
  await stack.exitCodes([victim.containerId], deathsBefore)
  return takedownOf(stack, victim, at)
}

/** What this consumer held when it was killed or cut off at `at`. */
export async function takedownOf(stack: Stack, { consumer }: Victim, at: number): Promise<Takedown> {
  const entryIds = await stack.group.heldBy(consumer)
  must(entryIds.length > 0, 'the consumer held nothing: the step proved nothing')
  return { group: GROUP, consumer, at, entryIds }
}

/** Resolves once the victim holds nothing any more. */
export async function untilTakenOver(stack: Stack, victim: Victim): Promise<void> {
  const look = async () => (await stack.group.heldBy(victim.consumer)).length === 0
  await stack.until('others take over what the consumer held', look, TAKE_OVER_MS)
}

/** Resolves once each of these containers has read or claimed since then. */
export async function untilActive(stack: Stack, containerIds: readonly string[], since: number, timeoutMs: number) {
  const look = async () => {
    const consumers = [...(await stack.group.consumers())]
    const elapsed = Date.now() - since
    const isActive = (id: string) => consumers.some(([name, { inactiveMs }]) => isOf(id)(name) && inactiveMs < elapsed)
    return containerIds.every(isActive)
  }
  await stack.until('every consumer reads or claims again', look, timeoutMs)
}

/** Resolves once the producer has published and a consumer has read, both from now on. */
export async function untilItGoesOn(stack: Stack, timeoutMs: number): Promise<void> {
  const ids = async () => [await stack.group.newestId(), (await stack.group.state()).lastDeliveredId]
  const before = await ids()
  const look = async () => (await ids()).every((id, i) => id !== before[i])
  await stack.until('publishing and delivery go on', look, timeoutMs)
}
