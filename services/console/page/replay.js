import { groupPath, post } from './api.js'
import { Ask } from './dialog.js'
import { duration, plural } from './format.js'
import { html } from './html.js'

const KINDS = [
  ['beginning', 'the oldest entry in the stream'],
  ['end', 'what is appended from now on'],
  ['entryId', 'an entry'],
  ['time', 'a time'],
]

/** Sets a group to a start, while no consumer of it is at work. */
export function Replay({ group, onClose }) {
  return html`<${Ask}
    title=${`Replay ${group}`}
    verb="Replay"
    isDanger
    fields=${[
      { name: 'kind', label: 'From', value: 'beginning', options: KINDS },
      { name: 'entryId', label: 'Entry id', placeholder: '1764043200123-0', isShown: ({ kind }) => kind === 'entryId' },
      { name: 'time', label: 'Time, of this browser', type: 'datetime-local', isShown: ({ kind }) => kind === 'time' },
    ]}
    run=${async (values, dryRun) => post(groupPath(group, 'replay'), { dryRun, from: fromOf(values) })}
    describe=${describe}
    canDo=${({ atWork, freeInMs }) => atWork.length === 0 && freeInMs === 0}
    conclude=${({ toHandle }) => `${group} stands at its start: ${entries(toHandle)} to handle.`}
    onClose=${onClose}
  />`
}

const entries = (number) => plural(number, 'entry', 'entries')

function fromOf({ kind, entryId, time }) {
  if (kind === 'entryId') return { entryId: entryId.trim() }
  if (kind !== 'time') return kind
  if (!time) throw new Error('Choose a time.')
  return { time: new Date(time).getTime() }
}

function describe({ toHandle, skipped, dropped, isStartTrimmed, atWork, freeInMs }) {
  return html`
    <p>The group is given <b>${entries(toHandle)}</b>, whether it had handled them or not. Effects happen again.</p>
    <ul>
      <li>${entries(skipped)} that it had not acknowledged ${skipped === 1 ? 'is' : 'are'} passed over.</li>
      <li>${entries(dropped)} ${dropped === 1 ? 'loses its' : 'lose their'} deliveries and errors so far.</li>
      ${isStartTrimmed && html`<li>Entries after the start may have been trimmed: nobody can handle those again.</li>`}
    </ul>
    ${atWork.length > 0 && html`<p class="problem">Refused while consumers are at work: ${atWork.join(', ')}. Stop them first.</p>`}
    ${atWork.length === 0 && freeInMs > 0 && html`<p class="problem">The group counts as left in ${duration(freeInMs)}.</p>`}
  `
}
