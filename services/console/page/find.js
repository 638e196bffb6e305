import { get } from './api.js'
import { Failures } from './failures.js'
import { clock, moment, plural, withOurTimes } from './format.js'
import { isFinal, sentenceOf, unknownText, wasPublished } from './found.js'
import { html, useEffect, useRef, useState } from './html.js'
import { Letter } from './letter.js'
import { Purge, Redrive } from './letter-actions.js'
import { Payload } from './payload.js'

/** What is shown is looked up again with a look of the page, so long after the last time at the earliest. */
const REST_MS = 3_000

/**
 * What was searched for, and what is known of it: `found`, or `says` while there is nothing to show. Looked up again for as
 * long as something can happen to it, one request at a time.
 * @param nowMs Of the newest look.
 */
function useFound(nowMs) {
  const [state, setState] = useState({ id: '', found: undefined, says: '' })
  const asking = useRef()
  const restsUntil = useRef(0)
  const ask = async (id, query) => {
    asking.current = new AbortController()
    const { signal } = asking.current
    const next = await get('find', { id, ...query }, signal).then(
      (found) => ({ id, found, says: '' }),
      // What is shown says as of when it is, and the page says that Redis is away.
      ({ message }) => (query ? {} : { says: message }),
    )
    if (signal.aborted) return
    asking.current = undefined
    restsUntil.current = performance.now() + REST_MS
    setState((before) => ({ ...before, ...next }))
  }
  const clear = (id = '', says = '') => {
    asking.current?.abort()
    asking.current = undefined
    setState({ id, found: undefined, says })
  }
  useEffect(() => {
    const { id, found } = state
    const rests = asking.current || performance.now() < restsUntil.current
    if (found && !isFinal(found) && !rests) ask(id, { again: 'yes' })
  }, [nowMs])
  const search = (id) => {
    clear(id, 'Searching …')
    ask(id)
  }
  return { ...state, search, clear, again: () => ask(state.id) }
}

/**
 * Finds an event by its id or that of its entry, and says what each group has done with it.
 * @param sought Something that was pointed at, to be found: `{ id }`.
 */
export function Find({ sought, nowMs, isReadOnly }) {
  const section = useRef()
  const input = useRef()
  const [asked, setAsked] = useState()
  const { found, says, search, clear, again } = useFound(nowMs)
  const seek = (id) => {
    input.current.value = id
    section.current.focus()
    search(id)
  }
  useEffect(() => sought && seek(sought.id), [sought])
  const close = (isDone) => {
    setAsked()
    if (isDone) again()
  }
  const submit = (event) => {
    event.preventDefault()
    const id = input.current.value.trim()
    if (id !== '') search(id)
  }
  const leave = () => {
    clear()
    input.current.value = ''
    input.current.focus()
  }
  return html`
    <section aria-labelledby="find-title" class="card find" tabindex="-1" ref=${section}>
      <form role="search" onSubmit=${submit}>
        <h2 id="find-title">Find an event</h2>
        <input name="id" type="search" aria-label="Event id or entry id" placeholder="Event id or entry id" autocomplete="off" ref=${input} />
        <button>Find</button>
      </form>
      <div role="status">
        ${says && html`<p class="empty">${says}</p>`}
        ${found && html`<p class="for-readers">${plural(found.entries.length, 'entry', 'entries')} found</p>`}
      </div>
      ${
        found &&
        html`
          <div class="as-of">
            <p class="hint">As of <time datetime=${found.asOf}>${clock(found.asOf)}</time></p>
            <button type="button" onClick=${leave}>Clear</button>
          </div>
          ${found.entries.length === 0 && html`<p class="empty">${unknownText(found)}</p>`}
          ${found.entries.map((entry) => html`<${Entry} key=${entry.entryId} entry=${entry} onFind=${seek} />`)}
          ${
            found.letters.length > 0 &&
            html`<h3>Dead letters <span class="number">${found.letters.length}</span></h3>
              <ul class="found-letters">
                ${found.letters.map((letter) => html`<${Letter} key=${`${letter.group} ${letter.letterId}`} letter=${letter} title=${letter.group} isReadOnly=${isReadOnly} onAsk=${(what) => setAsked({ what, letter })} />`)}
              </ul>`
          }
        `
      }
      ${asked?.what === 'redrive' && html`<${Redrive} group=${asked.letter.group} letter=${asked.letter} onClose=${close} />`}
      ${asked?.what === 'purge' && html`<${Purge} group=${asked.letter.group} letter=${asked.letter} onClose=${close} />`}
    </section>
  `
}

function Entry({ entry, onFind }) {
  const { entryId, eventId, eventType, publishedAt, isInStream, redrivenFor, groups } = entry
  const fieldsOf = async () => (await get(`entries/${entryId}`)).fields
  return html`
    <article class="found">
      <h3>${eventType ?? 'An entry'} <code>${entryId}</code></h3>
      <p class="hint">
        ${eventId && html`Event <code>${eventId}</code>, `}${
          wasPublished(entry)
            ? `published ${moment(publishedAt)}${isInStream ? '' : ', no longer in the stream'}`
            : 'There is no such entry, or not any more.'
        }
        ${redrivenFor && `, redriven for ${redrivenFor}`}
      </p>
      <dl>
        ${groups.map(
          ({ group, state, hindrances }) => html`
            <dt>${group}</dt>
            <dd data-found=${state.type}>
              <${Sentence} state=${state} onFind=${onFind} />
              ${hindrances.map((why) => html`<p class="why">Held up: ${withOurTimes(why)}.</p>`)}
              <${Failures} history=${state.history ?? []} />
            </dd>
          `,
        )}
      </dl>
      ${isInStream && html`<${Payload} fieldsOf=${fieldsOf} />`}
    </article>
  `
}

/** What a group has done with an entry; the copy that it names can be found by a click. */
function Sentence({ state, onFind }) {
  const text = sentenceOf(state)
  const { redrivenAs } = state
  if (!redrivenAs) return text
  const [before, after] = text.split(redrivenAs)
  return html`${before}<button class="id" onClick=${() => onFind(redrivenAs)}><code>${redrivenAs}</code></button>${after}`
}
