import { groupPath, post } from './api.js'
import { Ask } from './dialog.js'
import { count, moment, plural } from './format.js'
import { lagOf, StateOf } from './groups.js'
import { html, useState } from './html.js'
import { Replay } from './replay.js'

/** The name of the group, what controls it, and the buttons for that. */
export function GroupControls({ group, nowMs, isReadOnly }) {
  /** With the group as it was then: what a dialog is about must not change under it. */
  const [asked, setAsked] = useState()
  const { paused, pausedTypes, limitPerSecond } = group
  return html`
    <div class="heading group-heading">
      <h2 id="group-title">${group.group}</h2>
      <${StateOf} group=${group} />
      ${limitPerSecond !== undefined && html`<span class="state">at most ${limitPerSecond} starts / s</span>`}
      ${
        !isReadOnly &&
        html`<div class="buttons">
          ${paused || pausedTypes.length > 0 ? html`<button onClick=${() => setAsked({ what: 'resume', group })}>Resume …</button>` : ''}
          ${!paused && html`<button onClick=${() => setAsked({ what: 'pause', group })}>Pause …</button>`}
          <button onClick=${() => setAsked({ what: 'replay', nowMs })}>Replay …</button>
        </div>`
      }
    </div>
    ${paused && html`<p class="banner warning">Paused since ${moment(paused.since)}${paused.reason ? `: ${paused.reason}` : ''}. ${whileOf(paused)}</p>`}
    ${pausedTypes.map(
      ({ eventType, since, reason, setAside }) =>
        html`<p class="banner warning" key=${eventType}><b>${eventType}</b> is paused since ${moment(since)}${reason ? `: ${reason}` : ''}. ${plural(setAside, 'entry', 'entries')} set aside.</p>`,
    )}
    ${asked?.what === 'pause' && html`<${Pause} group=${asked.group} onClose=${() => setAsked()} />`}
    ${asked?.what === 'replay' && html`<${Replay} group=${group.group} nowMs=${asked.nowMs} onClose=${() => setAsked()} />`}
    ${asked?.what === 'resume' && html`<${Resume} group=${asked.group} onClose=${() => setAsked()} />`}
  `
}

const whileOf = ({ by }) =>
  by === 'circuit'
    ? 'Its handlers fail: one delivery is tried now and then, and it goes on by itself when that succeeds.'
    : 'No handler is started.'

const typed = ({ eventType }) => (eventType ? { eventType } : {})

/** The pause of a mistyped type is in force, and holds nothing up: nobody would notice. In the words of `streamctl`. */
const doubtOf = ({ knownTypes }, { eventType }) =>
  eventType && !knownTypes.includes(eventType) ? `No event of type ${eventType} is known.` : undefined

function Pause({ group: { group, pausedTypes }, onClose }) {
  // What is paused as a whole has no button to pause.
  const wasPaused = (eventType) => pausedTypes.some((type) => type.eventType === eventType)
  return html`<${Ask}
    title=${`Pause ${group}`}
    verb="Pause"
    fields=${[
      {
        name: 'eventType',
        label: 'Event type',
        hint: 'Empty: the whole group.',
        known: ({ knownTypes }) => knownTypes,
      },
      { name: 'reason', label: 'Reason', hint: 'Consumers log it.' },
    ]}
    doubtOf=${doubtOf}
    run=${({ reason, ...values }, dryRun) => post(groupPath(group, 'pause'), { dryRun, ...typed(values), ...(reason ? { reason } : {}) })}
    describe=${(state, { eventType }) => html`
      <p>${eventType ? html`No handler for <b>${eventType}</b> is started any more; such entries are set aside.` : 'No handler of this group is started any more.'}</p>
      <ul>
        <li>${plural(state.pending, 'entry is', 'entries are')} held: handlers that run finish.</li>
        <li>${lagOf(state)} wait to be delivered, ${count(state.waitingForRetry)} wait for a retry; more will come.</li>
        <li>Nothing is lost, and no delivery is charged. It lasts until somebody resumes.</li>
      </ul>
    `}
    conclude=${(_, { eventType }) =>
      wasPaused(eventType)
        ? `${eventType || group} was paused already, and stays so.`
        : `${eventType || group} is paused. Consumers see it within a second.`}
    onClose=${onClose}
  />`
}

function Resume({ group: { group, paused, pausedTypes }, onClose }) {
  const options = [
    ...(paused ? [['', 'The whole group']] : []),
    ...pausedTypes.map(({ eventType }) => [eventType, eventType]),
  ]
  return html`<${Ask}
    title=${`Resume ${group}`}
    verb="Resume"
    fields=${[{ name: 'eventType', label: 'What', value: options[0][0], options }]}
    run=${(values, dryRun) => post(groupPath(group, 'resume'), { dryRun, ...typed(values) })}
    describe=${(state, { eventType }) => {
      const aside = state.pausedTypes.find((type) => type.eventType === eventType)
      return html`<p>
        ${
          aside
            ? html`Handlers for <b>${eventType}</b> are started again: ${plural(aside.setAside, 'entry', 'entries')} set aside.`
            : `${state.paused?.by === 'circuit' ? 'Its circuit is closed, until too many deliveries fail again. ' : ''}Handlers are started again: ${lagOf(state)} wait to be delivered, ${count(state.waitingForRetry)} for a retry.`
        }
      </p>`
    }}
    conclude=${(_, { eventType }) => `${eventType || group} goes on. Consumers see it within a second.`}
    onClose=${onClose}
  />`
}
