import { groupPath, post } from './api.js'
import { Ask } from './dialog.js'
import { count, plural } from './format.js'
import { html } from './html.js'

const given = (filter) => Object.fromEntries(Object.entries(filter ?? {}).filter(([, value]) => value))
const whichOf = (letter, filter, answer) =>
  letter ? { letterId: letter.letterId } : { ...given(filter), ...(answer?.to ? { to: answer.to } : {}) }
const letters = (number) => plural(number, 'dead letter')

/** Those that are meant, of all that there are now: more may have died since they were counted. */
const lettersOf = (number, { letter, total }) =>
  letter ? letters(number) : `${count(number)} of ${letters(Math.max(number, total))}`

function titleOf(verb, { group, letter, filter }) {
  if (letter) return `${verb} this letter of ${group}`
  const { text, eventType, reason } = given(filter)
  const named = [text && `search “${text}”`, eventType && `type ${eventType}`, reason && `reason ${reason}`]
  const which = named.filter(Boolean).join(', ')
  return which === '' ? `${verb} all dead letters of ${group}` : `${verb} dead letters of ${group}: ${which}`
}

/** `total`: the dead letters of the group. */
export function Redrive({ group, letter, filter, total, onClose }) {
  return html`<${Ask}
    title=${titleOf('Redrive', { group, letter, filter })}
    verb="Redrive"
    fields=${
      letter
        ? []
        : [
            {
              name: 'again',
              label: 'Letters that were redriven before',
              value: 'skip',
              options: [
                ['skip', 'leave them'],
                ['again', 'redrive them, too'],
              ],
            },
            { name: 'maxPerSecond', label: 'At most per second', type: 'number', placeholder: 'no limit' },
          ]
    }
    run=${({ again, maxPerSecond }, dryRun, answer) =>
      post(groupPath(group, 'redrive'), {
        dryRun,
        ...whichOf(letter, filter, answer),
        ...(again === 'again' ? { again: true } : {}),
        ...(maxPerSecond ? { maxPerSecond: Number(maxPerSecond) } : {}),
      })}
    describe=${({ redriven, skipped, unreadable }) => html`
      <p><b>${lettersOf(redriven, { letter, total })}</b> ${redriven === 1 ? 'goes' : 'go'} back to the stream, each as a new entry that only ${group} handles.</p>
      ${skipped > unreadable && html`<p>${letters(skipped - unreadable)} ${skipped - unreadable === 1 ? 'stays' : 'stay'}: redriven before, and dead again.</p>`}
      ${unreadable > 0 && html`<p>${letters(unreadable)} ${unreadable === 1 ? 'stays' : 'stay'}: no event can be read of ${unreadable === 1 ? 'it' : 'them'}. A purge deletes ${unreadable === 1 ? 'it' : 'them'}.</p>`}
    `}
    canDo=${({ redriven }) => redriven > 0}
    conclude=${({ redriven }) => `${letters(redriven)} went back to the stream.`}
    onClose=${onClose}
  />`
}

export function Purge({ group, letter, filter, total, onClose }) {
  return html`<${Ask}
    title=${titleOf('Purge', { group, letter, filter })}
    verb="Purge for good"
    isDanger
    fields=${[{ name: 'confirm', label: `To confirm, type ${group}`, isConfirm: group }]}
    run=${({ confirm }, dryRun, answer) => post(groupPath(group, 'purge'), { dryRun, confirm, ...whichOf(letter, filter, answer) })}
    describe=${({ purged }) => html`<p><b>${lettersOf(purged, { letter, total })}</b> ${purged === 1 ? 'is' : 'are'} deleted for good, with what ${purged === 1 ? 'it holds' : 'they hold'}.</p>`}
    conclude=${({ purged }) => `${letters(purged)} deleted.`}
    onClose=${onClose}
  />`
}
