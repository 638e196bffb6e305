import { groupPath, post } from './api.js'
import { Ask } from './dialog.js'
import { plural } from './format.js'
import { html } from './html.js'

const given = (filter) => Object.fromEntries(Object.entries(filter ?? {}).filter(([, value]) => value))
const whichOf = (letter, filter, answer) =>
  letter ? { letterId: letter.letterId } : { ...given(filter), ...(answer?.to ? { to: answer.to } : {}) }
const letters = (number) => plural(number, 'dead letter')

export function Redrive({ group, letter, filter, onClose }) {
  return html`<${Ask}
    title=${letter ? 'Redrive this letter' : `Redrive dead letters of ${group}`}
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
    describe=${({ redriven, skipped }) => html`
      <p><b>${letters(redriven)}</b> ${redriven === 1 ? 'goes' : 'go'} back to the stream, each as a new entry that only ${group} handles.</p>
      ${skipped > 0 && html`<p>${letters(skipped)} ${skipped === 1 ? 'stays' : 'stay'}: redriven before, or not readable.</p>`}
    `}
    conclude=${({ redriven }) => `${letters(redriven)} went back to the stream.`}
    onClose=${onClose}
  />`
}

export function Purge({ group, letter, filter, onClose }) {
  return html`<${Ask}
    title=${letter ? 'Purge this letter' : `Purge dead letters of ${group}`}
    verb="Purge for good"
    isDanger
    fields=${[{ name: 'confirm', label: `To confirm, type ${group}`, isConfirm: group }]}
    run=${({ confirm }, dryRun, answer) => post(groupPath(group, 'purge'), { dryRun, confirm, ...whichOf(letter, filter, answer) })}
    describe=${({ purged }) => html`<p><b>${letters(purged)}</b> ${purged === 1 ? 'is' : 'are'} deleted for good, with what ${purged === 1 ? 'it holds' : 'they hold'}.</p>`}
    conclude=${({ purged }) => `${letters(purged)} deleted.`}
    onClose=${onClose}
  />`
}
