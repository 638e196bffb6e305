import { moment } from './format.js'
import { html } from './html.js'

/** The failed deliveries of an event, oldest first, in the words of `streamctl`. */
export const Failures = ({ history }) =>
  history.length > 0 &&
  html`
    <h4>Failed deliveries</h4>
    <ol class="history">
      ${history.map(
        ({ attempt, at, consumer, error }) => html`
          <li key=${at}>
            <span class="of">delivery ${attempt}, <time datetime=${at}>${moment(at)}</time>, at ${consumer}:</span> ${error}
          </li>
        `,
      )}
    </ol>
  `
