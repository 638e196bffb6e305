import type { Stack } from './stack.ts'
import { type Loss, must } from './step.ts'

const JOIN_MS = 30_000

/** A container's consumers, one for each time that it was started, are called after its host name: its short id. */
const isOf = (containerId: string) => (consumer: string) => consumer.startsWith(`${containerId.slice(0, 12)}-`)

/** The latest to have read or claimed comes first. */
async function namesOf(stack: Stack, containerId: string): Promise<string[]> {
  const inactivity = [...(await stack.redis.inactivity())].sort(([, a], [, b]) => a - b)
  return inactivity.map(([name]) => name).filter(isOf(containerId))
}

/** Resolves once each of these containers has a consumer in the group, other than those of before. */
export async function joined(stack: Stack, containerIds: readonly string[], before: readonly string[] = []) {
  const look = async () => {
    const names = [...(await stack.redis.consumers()).keys()].filter((name) => !before.includes(name))
    return containerIds.every((id) => names.some(isOf(id)))
  }
  await stack.until('consumers join the group', look, JOIN_MS)
}

export interface Victim {
  containerId: string
  /** Its names so far, the present one first. */
  consumers: string[]
}

export async function victimOf(stack: Stack, containerId: string): Promise<Victim> {
  return { containerId, consumers: await namesOf(stack, containerId) }
}

/** A running consumer that holds entries. */
export async function pickVictim(stack: Stack): Promise<Victim> {
  const look = async () => {
    const held = await stack.redis.consumers()
    const load = (id: string) => [...held].reduce((sum, [name, pending]) => sum + (isOf(id)(name) ? pending : 0), 0)
    return (await stack.running('consumer')).filter((id) => load(id) > 0).sort((a, b) => load(b) - load(a))[0]
  }
  const containerId = await stack.until('a consumer holds entries', look, 20_000)
  return victimOf(stack, containerId)
}

/** Kills, and makes sure that entries were held and are now nobody's. */
export async function strike(stack: Stack, victim: Victim, kill: () => Promise<unknown>): Promise<Loss> {
  const mark = stack.watch.deaths.length
  stack.watch.excuse(victim.containerId)
  await kill()
  const at = Date.now()
  await stack.exitCodes([victim.containerId], mark)
  return lossOf(stack, victim, at)
}

/** What this consumer holds and can no longer finish, as it was struck at that time. */
export async function lossOf(stack: Stack, victim: Victim, at: number): Promise<Loss> {
  const heldEntryIds = await stack.redis.heldBy(victim.consumers)
  must(heldEntryIds.length > 0, 'the consumer held nothing: the blow did not hit')
  return { consumer: presentName(victim), at, heldEntryIds }
}

/** Not the one that it takes while it works on a crash suspect. */
export const presentName = ({ consumers }: Victim) => consumers.find((name) => !name.includes('~')) ?? ''

/** Resolves once nothing is left under the victim's names. */
export async function takenOver(stack: Stack, victim: Victim, timeoutMs: number): Promise<void> {
  const look = async () => (await stack.redis.heldBy(victim.consumers)).length === 0
  await stack.until('others take over what the consumer held', look, timeoutMs)
}

/** Resolves once each of these containers has read or claimed since then. */
export async function active(stack: Stack, containerIds: readonly string[], since: number, timeoutMs: number) {
  const look = async () => {
    const inactivity = [...(await stack.redis.inactivity())]
    const elapsed = Date.now() - since
    return containerIds.every((id) => inactivity.some(([name, inactive]) => isOf(id)(name) && inactive < elapsed))
  }
  await stack.until('every consumer reads or claims again', look, timeoutMs)
}
