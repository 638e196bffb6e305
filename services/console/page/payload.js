import { html, useState } from './html.js'

/** The fields of an entry, once somebody asks for them. */
export function Payload({ fieldsOf }) {
  const [fields, setFields] = useState()
  const [problem, setProblem] = useState('')
  const show = () => fieldsOf().then(setFields, ({ message }) => setProblem(message))
  if (fields) return html`<h4>Payload</h4><pre tabindex="0">${textOf(fields)}</pre>`
  return html`
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <button class="payload" onClick=${show}>Show payload</button>
  `
}

/** Field by field; what is JSON, readable. */
function textOf(fields) {
  const lines = []
  for (let i = 0; i + 1 < fields.length; i += 2) lines.push(`${fields[i]}: ${readable(fields[i + 1])}`)
  return lines.join('\n')
}

function readable(value) {
  try {
    return /^[[{]/.test(value) ? JSON.stringify(JSON.parse(value), null, 2) : value
  } catch {
    return value
  }
}
