import { clock, duration, plural } from './format.js'
import { titleOf } from './holders.js'
import { html } from './html.js'

/**
 * Who took over what from whom, and after how long: the last ten times, for whoever did not watch. What a consumer held is
 * taken in parts, so many entries can fill the list.
 */
export function Takeovers({ takeovers }) {
  if (takeovers.length === 0) return null
  return html`
    <section class="card" aria-labelledby="takeovers-title">
      <h3 id="takeovers-title">Taken over <span class="number">lately</span></h3>
      <ol class="takeovers">
        ${takeovers.map(
          ({ id, at, from, to, count, idleMs }) => html`
            <li key=${id}>
              <time datetime=${new Date(at).toISOString()}>${clock(at)}</time>
              <span>
                ${
                  to.role === 'suspects'
                    ? html`<b>${plural(count, 'entry', 'entries')}</b> of <b>${titleOf(from)}</b> set apart, to run alone`
                    : html`<b>${titleOf(to)}</b> took <b>${plural(count, 'entry', 'entries')}</b> from <b>${titleOf(from)}</b>`
                }
              </span>
              <span class="after">${duration(idleMs)} after the last sign of life</span>
            </li>
          `,
        )}
      </ol>
    </section>
  `
}
