import { Charts } from './charts.js'
import { Consumers } from './consumers.js'
import { Find } from './find.js'
import { plural, timeZone } from './format.js'
import { GroupControls } from './group-controls.js'
import { Groups } from './groups.js'
import { html, useEffect, useState } from './html.js'
import { Letters } from './letters.js'
import { useLive } from './live.js'
import { LogOut } from './log-in.js'
import { Takeovers } from './takeovers.js'

const groupInHash = () => new URLSearchParams(location.hash.slice(1)).get('group') ?? undefined

/** The group that the address names; a link to it can be shared. */
function useGroup() {
  const [group, setGroup] = useState(groupInHash)
  useEffect(() => {
    const follow = () => setGroup(groupInHash())
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  return group
}

export function App({ session }) {
  const named = useGroup()
  const [first, setFirst] = useState()
  const wanted = named ?? first
  const [sought, seek] = useState()
  const { look, samples, problem, isConnected } = useLive(wanted)
  const newestFirst = firstIn(look?.groups ?? [])?.group
  useEffect(() => setFirst((before) => before ?? newestFirst), [newestFirst])
  const group = look?.groups.find((one) => one.group === wanted)
  const into = group && look.into?.group === wanted ? look.into : undefined
  return html`
    <${Header} session=${session} look=${look} problem=${problem} isConnected=${isConnected} />
    <main>
      <${Find} sought=${sought} nowMs=${look?.nowMs} isReadOnly=${session.isReadOnly} />
      ${look && look.groups.length === 0 && html`<p class="empty">The stream ${session.stream} has no group yet.</p>`}
      ${look && look.groups.length > 0 && html`<${Groups} groups=${look.groups} chosen=${wanted} />`}
      ${look && wanted && !group && html`<p class="empty">The stream has no group ${wanted}.</p>`}
      ${
        group &&
        html`
          <section aria-labelledby="group-title" class="group" key=${wanted}>
            <${GroupControls} group=${group} nowMs=${look.nowMs} isReadOnly=${session.isReadOnly} />
            <${Charts} group=${group} samples=${samples} nowMs=${look.nowMs} />
            ${into && html`<${Consumers} group=${group} into=${into} nowMs=${look.nowMs} onFind=${(id) => seek({ id })} />`}
            ${into && html`<${Takeovers} takeovers=${into.takeovers} />`}
            <${Letters} group=${group} isReadOnly=${session.isReadOnly} />
          </section>
        `
      }
    </main>
  `
}

/** What the page opens with: the first of the most urgent groups. */
const firstIn = (groups) => groups.toSorted((a, b) => b.urgency - a.urgency)[0]

function Header({ session, look, problem, isConnected }) {
  const { server, length } = look ?? {}
  const state = !isConnected ? 'connecting …' : problem === undefined ? 'live' : 'Redis does not answer'
  return html`
    <header>
      <div class="title">
        <h1>${session.stream}</h1>
        <p>
          ${look ? `${plural(length, 'entry', 'entries')} in the stream` : 'Looking at Redis …'}
          ${server?.version && html`<span class="server"> · ${server.name} ${server.version}</span>`}
          <span> · times in ${timeZone()}</span>
          ${session.isReadOnly && html`<span> · read-only</span>`}
        </p>
      </div>
      <p class="connection" data-state=${state === 'live' ? 'live' : 'away'} role="status">${state}</p>
      ${session.hasToken && html`<${LogOut} />`}
    </header>
    ${problem !== undefined && html`<p class="banner" role="alert">Redis does not answer: ${problem}. What you see is old.</p>`}
    ${(server?.warnings ?? []).map(
      ({ setting, value, risk }) =>
        html`<p class="banner warning" key=${setting}><b>${setting} ${value}</b>: ${risk}</p>`,
    )}
  `
}
