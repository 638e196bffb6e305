import { rowOf } from './holders.js'

// Lets entries be seen moving: from the row of the consumer that died to the row of the one that took them.

const MOVE_MS = 900
/** An entry that was handled before anybody could see it at its new place stays there for so long. */
const STAY_MS = 2_500

const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches

/** Entry id → row. */
const placesIn = (into) =>
  new Map(into.holders.flatMap((holder) => holder.entries.map(({ entryId }) => [entryId, rowOf(holder)])))

export class Moves {
  #seen = new Set()

  /** Which entries are about to move, and where their squares are now. Undefined: none. */
  before(list, old, now) {
    const [from, to] = [placesIn(old), placesIn(now)]
    if (this.#seen.size === 0) for (const { id } of old.takeovers) this.#seen.add(id)
    const targets = new Map([...to].filter(([id, row]) => from.has(id) && from.get(id) !== row))
    for (const takeover of now.takeovers.filter(({ id }) => !this.#seen.has(id))) {
      this.#seen.add(takeover.id)
      for (const id of takeover.entryIds) if (from.has(id) && !to.has(id)) targets.set(id, rowOf(takeover.to))
    }
    if (targets.size === 0) return undefined
    const squares = new Map([...list.querySelectorAll('[data-entry]')].map((square) => [square.dataset.entry, square]))
    return [...targets].flatMap(([id, row]) => {
      const square = squares.get(id)
      return square ? [{ id, row, isHandled: !to.has(id), rect: square.getBoundingClientRect() }] : []
    })
  }

  after(list, moved) {
    for (const { id, row, isHandled, rect } of moved) {
      const target = list.querySelector(`[data-row="${CSS.escape(row)}"]`)
      if (!target) continue
      const square = isHandled ? leave(target, id) : target.querySelector(`[data-entry="${CSS.escape(id)}"]`)
      if (square && !isCalm()) fly(square, rect)
    }
  }
}

/** A square for an entry that is handled already; it goes by itself. */
function leave(row, id) {
  const square = document.createElement('span')
  square.className = 'entry handled'
  square.title = `${id}, handled`
  row.querySelector('.entries').append(square)
  setTimeout(() => square.remove(), STAY_MS)
  return square
}

function fly(square, from) {
  const to = square.getBoundingClientRect()
  const [x, y] = [from.left - to.left, from.top - to.top]
  square.animate(
    [
      { transform: `translate(${x}px, ${y}px) scale(1)`, zIndex: 1 },
      { transform: `translate(${x / 2}px, ${y / 2}px) scale(1.5)`, zIndex: 1, offset: 0.5 },
      { transform: 'none', zIndex: 1 },
    ],
    { duration: MOVE_MS, easing: 'cubic-bezier(0.3, 0, 0.2, 1)' },
  )
}
