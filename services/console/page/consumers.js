import { count, duration, plural, timeOfId } from './format.js'
import { countsOf, isLongGone, leaseOf, leftOf, listedFor, rowOf, rowsOf, titleOf } from './holders.js'
import { Component, html, useState } from './html.js'
import { Moves } from './moves.js'

/** For so long a row tells what it has taken over. */
const TOLD_MS = 30_000

/** Every consumer as a row of squares, one for each entry that it holds. A square empties as its lease runs out. */
export class Consumers extends Component {
  #moves = new Moves()
  #list = null

  /** While the squares are still where they were. */
  getSnapshotBeforeUpdate(before) {
    return this.#list && this.#moves.before(this.#list, before.into, this.props.into)
  }

  componentDidUpdate(_, __, moved) {
    if (moved && this.#list) this.#moves.after(this.#list, moved)
  }

  render({ group, into, nowMs, onFind }) {
    const leaseMs = leaseOf(group)
    const all = rowsOf(into.holders, leaseMs, group)
    const rows = all.filter((row) => !isLongGone(row, leaseMs))
    const longGone = all.filter((row) => isLongGone(row, leaseMs))
    const counts = countsOf(rows, group).map(({ state, number }) => `${count(number)} ${state}`)
    const lately = into.takeovers.filter(({ at }) => nowMs - at < TOLD_MS)
    return html`
      <section class="card" aria-labelledby="consumers-title">
        <div class="heading">
          <h3 id="consumers-title">Consumers <span class="number">${counts.join(', ')}</span></h3>
          <p class="legend">
            <span><span class="entry" style=${{ '--left': 1 }}></span> held</span>
            <span><span class="entry" style=${{ '--left': 0.4 }}></span> lease runs out</span>
            <span><span class="entry" style=${{ '--left': 0 }}></span> lease is over</span>
            <span><span class="entry" data-again="yes"></span> delivered before</span>
            <span>lease ${duration(leaseMs)}${group.leaseMs === undefined ? ', assumed' : ''}</span>
          </p>
        </div>
        ${rows.length === 0 && html`<p class="empty">No consumer is there, as far as Redis knows.</p>`}
        <ul class="consumers" ref=${(list) => {
          this.#list = list
        }}>
          ${rows.map((row) => html`<${Row} key=${row.key} row=${row} onFind=${onFind} leaseMs=${leaseMs} lately=${lately} nowMs=${nowMs} />`)}
        </ul>
        ${longGone.length > 0 && html`<p class="hint" title=${longGone.map(({ title }) => title).join(', ')}>${goneText(longGone.length, leaseMs)}</p>`}
        <p class="for-readers" role="status">${lately.map(told).join('. ')}</p>
      </section>
    `
  }
}

/** They are not listed, and not counted above. */
const goneText = (number, leaseMs) =>
  `And ${plural(number, 'consumer')} that ${number === 1 ? 'holds' : 'hold'} nothing, last seen ${duration(listedFor(leaseMs))} ago or before. To delete the names: streamctl consumers prune`

const told = ({ from, to, count: entries, idleMs }) =>
  to.role === 'suspects'
    ? `${plural(entries, 'entry', 'entries')} of ${titleOf(from)} set apart after ${duration(idleMs)}`
    : `${titleOf(to)} took ${plural(entries, 'entry', 'entries')} from ${titleOf(from)} after ${duration(idleMs)}`

function Row({ row, leaseMs, lately, nowMs, onFind }) {
  const [isOpen, setOpen] = useState(false)
  const { key, title, state, says, pending, entries } = row
  const taken = lately.filter(({ to }) => rowOf(to) === key)
  const lost = lately.filter(({ from }) => rowOf(from) === key)
  return html`
    <li class="consumer" data-state=${state} data-holds=${pending > 0 ? 'yes' : undefined} data-row=${key}>
      <div class="who">
        <span class="name">${title}</span>
        ${state && html`<span class="state">${state}</span>`}
      </div>
      <div class="holds">
        <div class="entries" aria-hidden="true" onClick=${({ target }) => target.dataset.entry && onFind(target.dataset.entry)}>
          ${entries.map((entry) => html`<${Square} key=${entry.entryId} entry=${entry} leaseMs=${state ? leaseMs : Infinity} />`)}
          ${pending > entries.length && html`<span class="more">+${count(pending - entries.length)}</span>`}
        </div>
        <p class="says">
          ${says && html`<span>${says}</span>`}
          ${taken.map((one) => html`<span class="took" key=${one.id}>took ${count(one.count)} from ${titleOf(one.from)}, ${duration(one.idleMs)} after the last sign of life</span>`)}
          ${lost.map((one) => html`<span class="lost" key=${one.id}>${count(one.count)} ${one.to.role === 'suspects' ? 'set apart' : `taken by ${titleOf(one.to)}`} after ${duration(one.idleMs)}</span>`)}
        </p>
        ${isOpen && html`<${Entries} title=${title} entries=${entries} leaseMs=${leaseMs} nowMs=${nowMs} onFind=${onFind} />`}
      </div>
      <button class="quiet number" aria-expanded=${isOpen ? 'true' : 'false'} disabled=${entries.length === 0 && !isOpen}
        onClick=${() => setOpen(!isOpen)}>
        ${count(pending)}<span class="for-readers"> ${pending === 1 ? 'entry' : 'entries'} held by ${title}</span>
      </button>
    </li>
  `
}

function Square({ entry, leaseMs }) {
  const { entryId, attempt, what } = entry
  const title = `${entryId}, delivery ${attempt}${what ? `, ${what}` : ''}`
  return html`<span class="entry" data-entry=${entryId} data-again=${attempt > 1 ? 'yes' : undefined} title=${title}
    style=${{ '--left': leftOf(entry, leaseMs).toFixed(2) }}></span>`
}

/** The same as a table: for who cannot see squares or click them, and for who wants the ids. */
function Entries({ title, entries, leaseMs, nowMs, onFind }) {
  return html`
    <div class="table" tabindex="0" role="region" aria-label=${`Entries held by ${title}`}>
      <table>
        <thead>
          <tr><th scope="col">Entry</th><th scope="col">Delivery</th><th scope="col">Published</th><th scope="col">Lease left</th></tr>
        </thead>
        <tbody>
          ${entries.map(
            (entry) => html`
              <tr key=${entry.entryId}>
                <td><button class="id" onClick=${() => onFind(entry.entryId)}><code>${entry.entryId}</code></button>${entry.what && html` <small>${entry.what}</small>`}</td>
                <td>${count(entry.attempt)}</td>
                <td>${duration(Math.max(0, nowMs - timeOfId(entry.entryId)))} ago</td>
                <td>${entry.idleMs < leaseMs ? duration(leaseMs - entry.idleMs) : 'over'}</td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `
}
