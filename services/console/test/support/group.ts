import { GROUP, type Site } from './site.ts'

export const pausePath = `/api/groups/${GROUP}/pause`

/** A group, without anybody who works in it. */
export async function withGroup(site: Site, group = GROUP): Promise<void> {
  await site.send('XGROUP', 'CREATE', site.stream, group, '0', 'MKSTREAM')
}

export async function isPaused(site: Site): Promise<boolean> {
  return (await site.send('EXISTS', `{${site.stream}}:${GROUP}:controls`)) === 1
}
