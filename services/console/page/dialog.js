import { trimmed } from './api.js'
import { html, useEffect, useRef, useState } from './html.js'

const ASK_AGAIN_MS = 1_000
/** A dry run counts letter by letter: it waits until nothing has been typed for so long. */
const REST_MS = 300

/** Something that is still to be typed or chosen, and no mistake: what `run` may throw. */
export const hint = (text) => Object.assign(new Error(text), { isHint: true })

const yes = () => true
const no = () => undefined

/**
 * Asks before something is done: first says what it will do, by a dry run, then does it, then says what was done.
 * `run(values, dryRun, answer)` gives what to send to the console (`post`); `describe(answer, values)` and
 * `conclude(answer, values)` make sentences of its answers; `canDo(answer)`: whether it would do anything but refuse;
 * `doubtOf(answer, values)`: what speaks against it, so that it is to be confirmed apart. Whoever closes the dialog stops what runs.
 */
export function Ask({
  title,
  verb,
  isDanger,
  fields = [],
  run,
  describe,
  canDo = yes,
  doubtOf = no,
  conclude,
  onClose,
}) {
  const dialog = useRef()
  const doing = useRef()
  const restMs = useRef(0)
  const [values, setValues] = useState(Object.fromEntries(fields.map(({ name, value = '' }) => [name, value])))
  const [answer, setAnswer] = useState()
  /** Of the last answer, also while there is none to what is typed now. */
  const known = useRef({})
  const [soFar, setSoFar] = useState()
  const [problem, setProblem] = useState()
  const [step, setStep] = useState('asking')
  const [accepted, accept] = useState()
  const said = trimmed(values)
  useEffect(() => {
    dialog.current.showModal()
    return () => doing.current?.abort()
  }, [])
  useEffect(() => {
    const leaving = new AbortController()
    const { signal } = leaving
    const isOld = () => signal.aborted || doing.current
    let again
    const ask = async () => {
      if (isOld()) return
      try {
        const request = await run(said, true)
        const found = await request.send({ signal, onProgress: (done) => isOld() || setSoFar(done) })
        if (isOld()) return
        known.current = found
        setAnswer(found)
        // What is refused now may be possible soon.
        if (!canDo(found)) again = setTimeout(ask, ASK_AGAIN_MS)
      } catch (error) {
        if (!isOld()) setProblem(error)
      }
    }
    setAnswer(undefined)
    setSoFar(undefined)
    setProblem(undefined)
    again = setTimeout(ask, restMs.current)
    restMs.current = REST_MS
    return () => {
      leaving.abort()
      clearTimeout(again)
    }
  }, [JSON.stringify(fields.filter(({ isConfirm }) => !isConfirm).map(({ name }) => said[name]))])
  const isOver = step === 'done' || step === 'stopped'
  const doubt = answer && !isOver && doubtOf(answer, said)
  const isConfirmed =
    fields.every(({ name, isConfirm }) => isConfirm === undefined || said[name] === isConfirm) &&
    (!doubt || accepted === doubt)
  const act = async (event) => {
    event.preventDefault()
    doing.current = new AbortController()
    const { signal } = doing.current
    setStep('doing')
    setSoFar(undefined)
    setProblem(undefined)
    try {
      const request = await run(said, false, answer)
      setAnswer(await request.send({ signal, onProgress: setSoFar }))
      setStep('done')
    } catch (error) {
      if (!signal.aborted) setProblem(error)
      doing.current = undefined
      setStep(signal.aborted ? 'stopped' : 'asking')
    }
  }
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${() => onClose(isOver)}>
      <form onSubmit=${act}>
        <h2 id="dialog-title">${title}</h2>
        ${!isOver && fields.filter(({ isShown = yes }) => isShown(values)).map((field) => html`<${Field} key=${field.name} field=${field} known=${field.known?.(known.current)} value=${values[field.name]} isDisabled=${step === 'doing'} onChange=${(value) => setValues({ ...values, [field.name]: value })} />`)}
        <div class="answer" role="status">
          <${Says} ...${{ step, problem, answer, soFar, values: said, describe, conclude }} />
        </div>
        ${
          doubt &&
          html`<label class="doubt">
            <input type="checkbox" checked=${accepted === doubt} disabled=${step === 'doing'} onInput=${({ currentTarget }) => accept(currentTarget.checked ? doubt : undefined)} />
            <span><b class="problem">${doubt}</b> ${verb} it all the same</span>
          </label>`
        }
        <div class="buttons">
          ${
            step === 'doing'
              ? html`<button type="button" onClick=${() => doing.current.abort()}>Stop</button>`
              : html`<button type="button" onClick=${() => dialog.current.close()}>${isOver ? 'Close' : 'Cancel'}</button>`
          }
          ${
            !isOver &&
            html`<button class=${isDanger ? 'danger' : 'main'} disabled=${!answer || !isConfirmed || !canDo(answer) || step === 'doing'}>
              ${step === 'doing' ? 'Working …' : verb}
            </button>`
          }
        </div>
      </form>
    </dialog>
  `
}

/** `choices`: buttons, each of which fills the field. `known`: what the browser offers while somebody types. */
function Field({ field, known, value, isDisabled, onChange }) {
  const { label, hint, choices = [] } = field
  return html`
    <div class="field">
      <label>
        ${label}
        <${Input} ...${{ field, known, value, isDisabled, onChange }} />
        ${hint && html`<small>${hint}</small>`}
      </label>
      ${
        choices.length > 0 &&
        html`<div class="choices" role="group" aria-label="Quick choices">
          ${choices.map(([text, chosen]) => html`<button type="button" aria-pressed=${chosen === value ? 'true' : 'false'} disabled=${isDisabled} onClick=${() => onChange(chosen)}>${text}</button>`)}
        </div>`
      }
    </div>
  `
}

function Input({ field: { name, type = 'text', placeholder, options }, known, value, isDisabled, onChange }) {
  const onInput = ({ currentTarget }) => onChange(currentTarget.value)
  if (options)
    return html`<select name=${name} disabled=${isDisabled} onInput=${onInput}>
      ${options.map(([option, text]) => html`<option value=${option} selected=${option === value}>${text}</option>`)}
    </select>`
  return html`
    <input name=${name} type=${type} step=${type === 'datetime-local' ? 1 : undefined} value=${value} placeholder=${placeholder} disabled=${isDisabled} autocomplete="off" list=${known && `${name}-known`} onInput=${onInput} />
    ${known && html`<datalist id=${`${name}-known`}>${known.map((one) => html`<option value=${one}></option>`)}</datalist>`}
  `
}

/** What will be done, is being done, or was done. */
function Says({ step, problem, answer, soFar, values, describe, conclude }) {
  if (problem) return html`<p class=${problem.isHint ? 'hint' : 'problem'}>${problem.message}</p>`
  if (step === 'done') return html`<p class="done">${conclude(answer, values)}</p>`
  const done = soFar && conclude(soFar, values)
  if (step === 'stopped')
    return html`<p class="stopped">Stopped. ${done} What was under way may have been done: the log of the console says what was.</p>`
  if (step === 'doing' && done) return html`<p class="so-far">So far: ${done}</p>`
  if (answer) return html`<div class="will">${describe(answer, values)}</div>`
  return html`<p>Looking what it would do …</p>${soFar && html`<div>So far: ${describe(soFar, values)}</div>`}`
}
