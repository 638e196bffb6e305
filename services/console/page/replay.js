import { groupPath, post } from './api.js'
import { Ask, hint } from './dialog.js'
import { duration, localTime, moment, plural, timeZone } from './format.js'
import { html } from './html.js'

/** The dialog begins with the first one. */
const KINDS = [
  ['time', 'a time'],
  ['entryId', 'an entry'],
  ['beginning', 'the oldest entry in the stream'],
  ['end', 'what is published from now on'],
]

/** What a time may be chosen as with a click; the first one is there from the beginning. */
const AGO = [
  ['10 minutes ago', 600_000],
  ['1 hour ago', 3_600_000],
  ['1 day ago', 86_400_000],
]

/** Sets a group to a start, while no consumer of it is at work. `nowMs`: when this was asked for, by Redis' clock. */
export function Replay({ group, nowMs, onClose }) {
  const choices = AGO.map(([text, ms]) => [text, localTime(nowMs - ms)])
  return html`<${Ask}
    title=${`Replay ${group}`}
    verb="Replay"
    isDanger
    fields=${[
      { name: 'kind', label: 'From', value: KINDS[0][0], options: KINDS },
      { name: 'entryId', label: 'Entry id', placeholder: '1764043200123-0', isShown: ({ kind }) => kind === 'entryId' },
      {
        ...{ name: 'time', label: `Time, in ${timeZone()}`, type: 'datetime-local', value: choices[0][1], choices },
        isShown: ({ kind }) => kind === 'time',
      },
    ]}
    run=${async (values, dryRun) => post(groupPath(group, 'replay'), { dryRun, from: fromOf(values) })}
    describe=${(answer, values) => describe(answer, timeOf(values), nowMs)}
    canDo=${({ atWork, freeInMs }) => atWork.length === 0 && freeInMs === 0}
    conclude=${({ toHandle }, values) => `${group} stands at ${startOf(values)}: ${entries(toHandle)} to handle.`}
    onClose=${onClose}
  />`
}

const entries = (number) => plural(number, 'entry', 'entries')

function fromOf(values) {
  const { kind, entryId } = values
  if (kind === 'beginning' || kind === 'end') return kind
  if (kind === 'entryId') {
    if (/^\d+-\d+$/.test(entryId)) return { entryId }
    throw hint(entryId ? 'The id of an entry looks like 1764043200123-0.' : 'Type the id of an entry.')
  }
  const time = timeOf(values)
  if (time === undefined) throw hint('Choose a time.')
  return { time }
}

/** Undefined where no time is chosen, or one that is half typed: its year may have too many digits. */
function timeOf({ kind, time }) {
  const ms = kind === 'time' ? new Date(time).getTime() : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

function startOf(values) {
  const { kind, entryId } = values
  const [, text] = KINDS.find(([one]) => one === kind)
  if (kind === 'entryId') return `entry ${entryId}`
  return kind === 'time' ? moment(timeOf(values)) : text
}

/** In the hour that a clock repeats in autumn, a time is not clear, but how long ago it was is. */
const sinceText = (time, nowMs) =>
  ` of ${moment(time)}${time < nowMs ? ` (${duration(nowMs - time)} ago)` : ''} and later`

/** In the words of `streamctl group replay`. */
function describe({ toHandle, skipped, dropped, isStartTrimmed, atWork, freeInMs }, time, nowMs) {
  return html`
    <p>The group is given <b>${entries(toHandle)}</b>${time !== undefined && sinceText(time, nowMs)}${toHandle > 0 && ', whether it had handled them or not. Effects happen again'}.</p>
    <ul>
      ${skipped > 0 && html`<li>${entries(skipped)} before that, not acknowledged, will not be handled.</li>`}
      ${dropped > 0 && html`<li>The deliveries so far of ${entries(dropped)} that ${dropped === 1 ? 'was' : 'were'} pending are forgotten.</li>`}
      ${toHandle > 0 && html`<li>Its dead letters stay: redriven, an event that is handled again would be handled once more.</li>`}
      ${isStartTrimmed && html`<li>Entries after the start may have been trimmed: nobody can handle those again.</li>`}
    </ul>
    ${atWork.length > 0 && html`<p class="problem">Refused while consumers are at work: ${atWork.join(', ')}. Stop them first.</p>`}
    ${atWork.length === 0 && freeInMs > 0 && html`<p class="problem">Somebody was at work just now: the group counts as left once nobody has given a sign of life for ${duration(freeInMs)} more.</p>`}
  `
}
