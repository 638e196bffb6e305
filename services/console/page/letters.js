import { get, groupPath, trimmed } from './api.js'
import { count } from './format.js'
import { html, useEffect, useRef, useState } from './html.js'
import { Letter } from './letter.js'
import { Purge, Redrive } from './letter-actions.js'

const REASONS = ['exhausted', 'rejected', 'malformed', 'crashed', 'commit-failed', 'unreadable']
/** A search looks at many letters: it waits until nothing has been typed for so long. */
const REST_MS = 300
/** The first page. */
const FIRST = { before: undefined, earlier: 0 }

/**
 * A page of letters. The newest ones, unsearched, are asked for again whenever their number changes; one request at a
 * time, so that they are shown however slow the answers are. Any other page stays as it is, until `again` is called.
 */
function usePage(group, query, deadLetters) {
  const [state, setState] = useState({ found: undefined, problem: '' })
  const wanted = JSON.stringify(query)
  const [asked, askFor] = useState(deadLetters)
  const isAsking = useRef(false)
  const isNewest = !Object.values(query).some(Boolean)
  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    const ask = async () => {
      const next = await get(groupPath(group, 'letters'), query, signal).then(
        (found) => ({ found, of: wanted, problem: '' }),
        ({ message }) => ({ problem: message }),
      )
      if (signal.aborted) return
      isAsking.current = false
      setState((before) => ({ ...before, ...next }))
    }
    isAsking.current = true
    const rest = setTimeout(ask, query.text || query.eventType ? REST_MS : 0)
    return () => {
      clearTimeout(rest)
      leaving.abort()
    }
  }, [group, wanted, asked])
  useEffect(() => {
    if (isNewest && !isAsking.current) askFor(deadLetters)
  }, [isNewest, deadLetters, state])
  return { ...state, isOld: state.of !== wanted, again: () => askFor({}) }
}

/** The dead letters of a group: searched, page by page, and what can be done with them. */
export function Letters({ group: { group, deadLetters }, isReadOnly }) {
  const [typed, setTyped] = useState({ text: '', reason: '', eventType: '' })
  const filter = trimmed(typed)
  /** Where each page so far begins, and how many letters the pages before it hold. */
  const [pages, setPages] = useState([FIRST])
  const [asked, setAsked] = useState()
  const { before, earlier } = pages.at(-1)
  const { found, isOld, problem, again } = usePage(group, { ...filter, before }, deadLetters)
  const close = (isDone) => {
    setAsked()
    if (isDone) again()
  }
  const change =
    (name) =>
    ({ currentTarget }) => {
      setPages([FIRST])
      setTyped({ ...typed, [name]: currentTarget.value })
    }
  const isFiltered = Object.values(filter).some(Boolean)
  const soFar = found && earlier + found.letters.length
  /** Undefined: not known yet, or nothing is searched for. */
  const matches = isFiltered && found && !isOld ? `${found.before ? '≥ ' : ''}${count(soFar)}` : undefined
  const isNothingFound = matches === '0'
  const what = isFiltered ? 'what is found' : 'all'
  return html`
    <section aria-labelledby="letters-title" class="card letters">
      <div class="heading">
        <h3 id="letters-title">Dead letters <span class="number">${count(deadLetters)}${matches !== undefined && `, found: ${matches}`}</span></h3>
        ${
          !isReadOnly &&
          deadLetters > 0 &&
          html`<div class="buttons">
            <button disabled=${isNothingFound} onClick=${() => setAsked({ what: 'redrive', filter })}>Redrive ${what} …</button>
            <button disabled=${isNothingFound} onClick=${() => setAsked({ what: 'purge', filter })}>Purge ${what} …</button>
          </div>`
        }
      </div>
      ${
        (deadLetters > 0 || isFiltered) &&
        html`<form class="filter" role="search" aria-label="Dead letters" onSubmit=${(event) => event.preventDefault()}>
          <label>Search<input type="search" placeholder="Id, error, payload …" value=${typed.text} onInput=${change('text')} /></label>
          <label>Event type, exactly<input type="search" value=${typed.eventType} onInput=${change('eventType')} /></label>
          <label>Reason<select onInput=${change('reason')}>
            <option value="">any</option>
            ${REASONS.map((reason) => html`<option value=${reason} selected=${reason === filter.reason}>${reason}</option>`)}
          </select></label>
        </form>`
      }
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      ${found && found.letters.length === 0 && html`<p class="empty">${emptyText(found, isFiltered)}</p>`}
      <ul class="letter-list">
        ${(found?.letters ?? []).map(
          (letter) => html`<${Letter} key=${letter.letterId} letter=${letter} isReadOnly=${isReadOnly}
            onAsk=${(what) => setAsked({ what, letter })} />`,
        )}
      </ul>
      ${
        (pages.length > 1 || found?.before) &&
        html`<nav class="buttons" aria-label="Pages of dead letters">
          <button disabled=${pages.length === 1} onClick=${() => setPages(pages.slice(0, -1))}>Newer</button>
          <button disabled=${isOld || !found?.before} onClick=${() => setPages([...pages, { before: found.before, earlier: soFar }])}>Older</button>
        </nav>`
      }
      ${asked?.what === 'redrive' && html`<${Redrive} group=${group} total=${deadLetters} ...${asked} onClose=${close} />`}
      ${asked?.what === 'purge' && html`<${Purge} group=${group} total=${deadLetters} ...${asked} onClose=${close} />`}
    </section>
  `
}

function emptyText({ before }, isFiltered) {
  if (before) return 'Nothing found among the letters looked at so far: older ones may hold it.'
  return isFiltered ? 'Nothing found.' : 'No dead letters: every event was handled, or still may be.'
}
