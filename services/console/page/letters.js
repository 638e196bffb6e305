import { get, groupPath } from './api.js'
import { count } from './format.js'
import { html, useEffect, useState } from './html.js'
import { Letter } from './letter.js'
import { Purge, Redrive } from './letter-actions.js'

const REASONS = ['exhausted', 'rejected', 'malformed', 'crashed', 'commit-failed', 'unreadable']

/** The dead letters of a group: searched, page by page, and what can be done with them. */
export function Letters({ group: { group, deadLetters }, isReadOnly }) {
  const [filter, setFilter] = useState({ text: '', reason: '', eventType: '' })
  const [pages, setPages] = useState([undefined])
  const [found, setFound] = useState()
  const [problem, setProblem] = useState('')
  const [asked, setAsked] = useState()
  const before = pages.at(-1)
  useEffect(() => {
    let isOld = false
    get(groupPath(group, 'letters'), { ...filter, before }).then(
      (page) => {
        if (isOld) return
        setFound(page)
        setProblem('')
      },
      ({ message }) => isOld || setProblem(message),
    )
    return () => {
      isOld = true
    }
  }, [group, JSON.stringify(filter), before, deadLetters])
  const change =
    (name) =>
    ({ currentTarget }) => {
      setPages([undefined])
      setFilter({ ...filter, [name]: currentTarget.value })
    }
  const isFiltered = Object.values(filter).some(Boolean)
  return html`
    <section aria-labelledby="letters-title" class="card letters">
      <div class="heading">
        <h3 id="letters-title">Dead letters <span class="number">${count(deadLetters)}</span></h3>
        ${
          !isReadOnly &&
          deadLetters > 0 &&
          html`<div class="buttons">
            <button onClick=${() => setAsked({ what: 'redrive', filter })}>Redrive ${isFiltered ? 'what is found' : 'all'} …</button>
            <button onClick=${() => setAsked({ what: 'purge', filter })}>Purge ${isFiltered ? 'what is found' : 'all'} …</button>
          </div>`
        }
      </div>
      ${
        (deadLetters > 0 || isFiltered) &&
        html`<form class="filter" role="search" aria-label="Dead letters" onSubmit=${(event) => event.preventDefault()}>
          <label>Search<input type="search" placeholder="Id, error, payload …" value=${filter.text} onInput=${change('text')} /></label>
          <label>Event type<input type="search" value=${filter.eventType} onInput=${change('eventType')} /></label>
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
          <button disabled=${!found?.before} onClick=${() => setPages([...pages, found.before])}>Older</button>
        </nav>`
      }
      ${asked?.what === 'redrive' && html`<${Redrive} group=${group} ...${asked} onClose=${() => setAsked()} />`}
      ${asked?.what === 'purge' && html`<${Purge} group=${group} ...${asked} onClose=${() => setAsked()} />`}
    </section>
  `
}

function emptyText({ before }, isFiltered) {
  if (before) return 'Nothing found among the letters looked at so far: older ones may hold it.'
  return isFiltered ? 'Nothing found.' : 'No dead letters: every event was handled, or still may be.'
}
