import { groupPath, post } from './api.js'
import { Ask, hint } from './dialog.js'
import { duration, moment, plural } from './format.js'
import { html } from './html.js'

/** The dialog begins with the first one. A number: so many milliseconds ago. */
const KINDS = [
  ['600000', '10 minutes ago'],
  ['3600000', 'an hour ago'],
  ['86400000', 'a day ago'],
  ['time', 'a time'],
  ['entryId', 'an entry'],
  ['beginning', 'the oldest entry in the stream'],
  ['end', 'what is appended from now on'],
]

/** Sets a group to a start, while no consumer of it is at work. `nowMs`: when this was asked for, by Redis' clock. */
export function Replay({ group, nowMs, onClose }) {
  return html`<${Ask}
    title=${`Replay ${group}`}
    verb="Replay"
    isDanger
    fields=${[
      { name: 'kind', label: 'From', value: KINDS[0][0], options: KINDS },
      { name: 'entryId', label: 'Entry id', placeholder: '1764043200123-0', isShown: ({ kind }) => kind === 'entryId' },
      { name: 'time', label: 'Time, of this browser', type: 'datetime-local', isShown: ({ kind }) => kind === 'time' },
    ]}
    run=${async (values, dryRun) => post(groupPath(group, 'replay'), { dryRun, from: fromOf(values, nowMs) })}
    describe=${(answer, values) => describe(answer, timeOf(values, nowMs))}
    canDo=${({ atWork, freeInMs }) => atWork.length === 0 && freeInMs === 0}
    conclude=${({ toHandle }, values) => `${group} stands at ${startOf(values, nowMs)}: ${entries(toHandle)} to handle.`}
    onClose=${onClose}
  />`
}

const entries = (number) => plural(number, 'entry', 'entries')

function fromOf(values, nowMs) {
  const { kind, entryId } = values
  if (kind === 'beginning' || kind === 'end') return kind
  if (kind === 'entryId') {
    if (/^\d+-\d+$/.test(entryId)) return { entryId }
    throw hint(entryId ? 'The id of an entry looks like 1764043200123-0.' : 'Type the id of an entry.')
  }
  const time = timeOf(values, nowMs)
  if (time === undefined) throw hint('Choose a time.')
  return { time }
}

/** Undefined where no time is chosen, or one that is half typed: its year may have too many digits. */
function timeOf({ kind, time }, nowMs) {
  const ms = kind === 'time' ? new Date(time).getTime() : nowMs - Number(kind)
  return Number.isNaN(ms) ? undefined : ms
}

function startOf(values, nowMs) {
  const { kind, entryId } = values
  const [, text] = KINDS.find(([one]) => one === kind)
  if (kind === 'entryId') return `entry ${entryId}`
  const time = timeOf(values, nowMs)
  if (time === undefined) return text
  return kind === 'time' ? moment(time) : `${moment(time)} (${text})`
}

function describe({ toHandle, skipped, dropped, isStartTrimmed, atWork, freeInMs }, time) {
  return html`
    <p>The group is given <b>${entries(toHandle)}</b>${time !== undefined && ` of ${moment(time)} and later`}, whether it had handled them or not. Effects happen again.</p>
    <ul>
      <li>${entries(skipped)} that it had not acknowledged ${skipped === 1 ? 'is' : 'are'} passed over.</li>
      <li>${entries(dropped)} ${dropped === 1 ? 'loses its' : 'lose their'} deliveries and errors so far.</li>
      ${isStartTrimmed && html`<li>Entries after the start may have been trimmed: nobody can handle those again.</li>`}
    </ul>
    ${atWork.length > 0 && html`<p class="problem">Refused while consumers are at work: ${atWork.join(', ')}. Stop them first.</p>`}
    ${atWork.length === 0 && freeInMs > 0 && html`<p class="problem">Somebody was at work just now: the group counts as left once nobody has given a sign of life for ${duration(freeInMs)} more.</p>`}
  `
}
