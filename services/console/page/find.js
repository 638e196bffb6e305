import { get } from './api.js'
import { moment, plural } from './format.js'
import { html, useState } from './html.js'
import { Payload } from './payload.js'

/** Finds an event by its id or that of its entry, and says what each group has done with it. */
export function Find() {
  const [found, setFound] = useState()
  const [says, setSays] = useState('')
  const search = async (event) => {
    event.preventDefault()
    const id = new FormData(event.currentTarget).get('id').trim()
    if (id === '') return
    setFound(undefined)
    setSays('Searching …')
    try {
      setFound(await get('find', { id }))
      setSays('')
    } catch ({ message }) {
      setSays(message)
    }
  }
  return html`
    <section aria-labelledby="find-title" class="card find">
      <form role="search" onSubmit=${search}>
        <h2 id="find-title">Find an event</h2>
        <input name="id" type="search" aria-label="Event id or entry id" placeholder="Event id or entry id" autocomplete="off" />
        <button>Find</button>
        ${found && html`<button type="button" onClick=${() => setFound()}>Clear</button>`}
      </form>
      <div role="status">
        ${says && html`<p class="empty">${says}</p>`}
        ${found && found.entries.length === 0 && html`<p class="empty">Nothing is known of this event.</p>`}
        ${found?.entries.map((entry) => html`<${Entry} key=${entry.entryId} entry=${entry} />`)}
      </div>
    </section>
  `
}

function Entry({ entry }) {
  const { entryId, eventId, eventType, publishedAt, isInStream, redrivenFor, groups } = entry
  const fieldsOf = async () => (await get('find', { id: entryId, payload: 'yes' })).entries[0]?.fields ?? []
  return html`
    <article class="found">
      <h3>${eventType ?? 'An entry'} <code>${entryId}</code></h3>
      <p class="hint">
        ${eventId && html`Event <code>${eventId}</code>, `}published ${moment(publishedAt)}${isInStream ? '' : ', no longer in the stream'}
        ${redrivenFor && `, redriven for ${redrivenFor}`}
      </p>
      <dl>
        ${groups.map(({ group, state }) => html`<dt>${group}</dt><dd data-found=${state.type}>${sentenceOf(state)}</dd>`)}
      </dl>
      <${Payload} fieldsOf=${fieldsOf} />
    </article>
  `
}

function sentenceOf(state) {
  switch (state.type) {
    case 'undelivered':
      return 'Not delivered yet.'
    case 'held':
      return `Held by ${state.consumer}, delivery ${state.attempt}; its lease was extended ${moment(state.leaseExtendedAt)}.`
    case 'waiting-for-retry':
      return `Waits for a retry after ${plural(state.deliveries, 'delivery', 'deliveries')}, due ${state.dueAt ? moment(state.dueAt) : 'now'}.`
    case 'crash-suspect':
      return `Its consumers died ${plural(state.deliveries, 'time')}: it waits to run alone.`
    case 'set-aside':
      return `Set aside after ${plural(state.deliveries, 'delivery', 'deliveries')}.`
    case 'dead':
      return `A dead letter since ${moment(state.letter.diedAt)}: ${state.letter.error}`
    case 'acknowledged':
      return state.letter
        ? `Acknowledged since the group was set back. Its dead letter of ${moment(state.letter.diedAt)} is from before: redriven, the event would be handled once more.`
        : 'Acknowledged.'
    default:
      return state.why === 'not-appended'
        ? 'Not appended yet.'
        : 'Nothing is known of it: it is no longer in the stream.'
  }
}
