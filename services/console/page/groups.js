import { age, count, rate } from './format.js'
import { html, useState } from './html.js'

/** With more groups than this, a field narrows them. */
const MANY = 8

export const lagOf = ({ lag, isLagExact }) => `${isLagExact ? '' : '≥ '}${count(lag)}`

/** Every group with its figures; a click looks into one. */
export function Groups({ groups, chosen }) {
  const [words, setWords] = useState('')
  const shown = groups.filter(({ group }) => group.toLowerCase().includes(words.toLowerCase()))
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
              <th scope="col">Held</th>
              <th scope="col">For retry</th>
              <th scope="col">Oldest</th>
              <th scope="col">Dead letters</th>
              <th scope="col">Consumers</th>
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
  const { failedPerSecond, deadLetters, oldestUnhandledMs } = group
  return html`
    <tr class=${isChosen ? 'chosen' : ''}>
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
      <td>${count(group.consumers)}</td>
    </tr>
  `
}

/** Redis before 7.2 knows a consumer only once it has been given an entry: without any, a group may have some. */
export function StateOf({ group: { paused, pausedTypes, consumers, lag, pending, waitingForRetry } }) {
  if (paused) return html`<span class="state paused">paused${paused.by === 'circuit' ? ' by its circuit' : ''}</span>`
  if (pausedTypes.length > 0) return html`<span class="state paused">in part paused</span>`
  if (consumers === 0 && lag + pending + waitingForRetry === 0) return html`<span class="state idle">idle</span>`
  if (consumers === 0) return html`<span class="state missing">no consumer</span>`
  return html`<span class="state">running</span>`
}
