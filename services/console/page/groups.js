import { age, count, rate, withOurTimes } from './format.js'
import { html, useState } from './html.js'

/** With more groups than this, a field narrows them, and those that something holds up come first. */
const MANY = 8

export const lagOf = ({ lag, isLagExact }) => `${isLagExact ? '' : '≥ '}${count(lag)}`

/** Every group with its figures, and what is the matter with it, in the words of `streamctl`; a click looks into one. */
export function Groups({ groups, chosen }) {
  const [words, setWords] = useState('')
  const sorted = groups.length > MANY ? groups.toSorted((a, b) => b.urgency - a.urgency) : groups
  const shown = sorted.filter(({ group }) => group.toLowerCase().includes(words.toLowerCase()))
  return html`
    <section aria-labelledby="groups-title" class="card groups">
      <div class="heading">
        <h2 id="groups-title">Groups <span class="number">${groups.length}</span></h2>
        ${
          groups.length > MANY &&
          html`<input type="search" aria-label="Narrow the groups" placeholder="Narrow" value=${words}
            onInput=${({ currentTarget }) => setWords(currentTarget.value)} />`
        }
      </div>
      <div class="table" tabindex="0" role="region" aria-label="Figures of every group">
        <table>
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">State</th>
              <th scope="col">Lag</th>
              <th scope="col">Settled / s</th>
              <th scope="col">Failed / s</th>
              <th scope="col">Pending</th>
              <th scope="col">For retry</th>
              <th scope="col">Oldest</th>
              <th scope="col">Dead letters</th>
              <th scope="col">Alive</th>
            </tr>
          </thead>
          <tbody>
            ${shown.map((group) => html`<${Row} key=${group.group} group=${group} isChosen=${group.group === chosen} />`)}
          </tbody>
        </table>
      </div>
    </section>
  `
}

function Row({ group, isChosen }) {
  const { failedPerSecond, deadLetters, oldestUnhandledMs, why } = group
  const chosen = isChosen ? 'chosen' : ''
  return html`
    <tr class=${chosen}>
      <th scope="row">
        <a href=${`#${new URLSearchParams({ group: group.group })}`} aria-current=${isChosen ? 'true' : undefined}>${group.group}</a>
      </th>
      <td><${StateOf} group=${group} /></td>
      <td>${lagOf(group)}</td>
      <td>${rate(group.settledPerSecond)}</td>
      <td class=${failedPerSecond > 0 ? 'bad' : ''}>${rate(failedPerSecond)}</td>
      <td>${count(group.pending)}</td>
      <td>${count(group.waitingForRetry)}</td>
      <td>${age(oldestUnhandledMs)}</td>
      <td class=${deadLetters > 0 ? 'bad' : ''}>${count(deadLetters)}</td>
      <td>${count(group.alive)}</td>
    </tr>
    ${why !== undefined && html`<tr class=${`why ${chosen}`}><td colspan="10"><p>${withOurTimes(why)}</p></td></tr>`}
  `
}

const COLOURS = {
  ...{ idle: 'idle', 'no-consumer': 'missing', slow: 'missing' },
  ...{ paused: 'paused', 'circuit-open': 'paused', 'partly-paused': 'paused', limited: 'paused', retrying: 'paused' },
}

/** In the words of `streamctl status`. */
export const StateOf = ({ group: { state } }) =>
  html`<span class=${`state ${COLOURS[state] ?? ''}`}>${state.replace('-', ' ')}</span>`
