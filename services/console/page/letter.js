import { get, groupPath } from './api.js'
import { Failures } from './failures.js'
import { duration, moment, plural } from './format.js'
import { html } from './html.js'
import { Payload } from './payload.js'

/**
 * One dead letter: what it was, why it died, its failed deliveries; its payload when somebody asks for it.
 * @param title What it is called first. Default: its event type.
 */
export function Letter({ letter, title = letter.eventType ?? 'no type', isReadOnly, onAsk }) {
  const { group, letterId, eventId, entryId, reason, error, consumer, deliveries, redrives } = letter
  const fieldsOf = async () => (await get(groupPath(group, `letters/${letterId}`))).fields
  return html`
    <li>
      <details>
        <summary>
          <span class="what">${title}</span>
          <span class="reason">${reason}</span>
          <span class="error">${error}</span>
          <time datetime=${letter.diedAt}>${letter.diedAt ? `${duration(Math.max(0, Date.now() - Date.parse(letter.diedAt)))} ago` : ''}</time>
        </summary>
        <div class="letter">
          <dl>
            <dt>Event</dt><dd><code>${eventId ?? 'none'}</code></dd>
            <dt>Entry</dt><dd><code>${entryId || 'unknown'}</code></dd>
            <dt>Published</dt><dd>${moment(letter.publishedAt)}</dd>
            <dt>Died</dt><dd>${moment(letter.diedAt)}, with ${consumer || 'nobody'}, after ${plural(deliveries, 'delivery', 'deliveries')}${redrives > 0 ? `, redriven ${plural(redrives, 'time')} before` : ''}</dd>
          </dl>
          <${Failures} history=${letter.history} />
          <${Payload} fieldsOf=${fieldsOf} />
          <div class="buttons">
            ${!isReadOnly && reason !== 'unreadable' && html`<button onClick=${() => onAsk('redrive')}>Redrive …</button>`}
            ${!isReadOnly && html`<button onClick=${() => onAsk('purge')}>Purge …</button>`}
          </div>
        </div>
      </details>
    </li>
  `
}
