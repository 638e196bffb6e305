import { html, useEffect, useRef, useState } from './html.js'

const ASK_AGAIN_MS = 1_000

/**
 * Asks before something is done: first says what it will do, by a dry run, then does it, then says what was done.
 * `run(values, dryRun)` asks the server; `describe(answer, values)` and `conclude(answer, values)` make sentences of its
 * answers; `canDo(answer)`: whether it would do anything but refuse.
 */
export function Ask({ title, verb, isDanger, fields = [], run, describe, canDo = () => true, conclude, onClose }) {
  const dialog = useRef()
  const [values, setValues] = useState(Object.fromEntries(fields.map(({ name, value = '' }) => [name, value])))
  const [answer, setAnswer] = useState()
  const [problem, setProblem] = useState('')
  const [step, setStep] = useState('asking')
  useEffect(() => dialog.current.showModal(), [])
  useEffect(() => {
    let isOld = false
    let again
    const ask = () =>
      run(values, true).then(
        (found) => {
          if (isOld) return
          setAnswer(found)
          // What is refused now may be possible soon.
          if (!canDo(found)) again = setTimeout(ask, ASK_AGAIN_MS)
        },
        ({ message }) => isOld || setProblem(message),
      )
    setAnswer(undefined)
    setProblem('')
    ask()
    return () => {
      isOld = true
      clearTimeout(again)
    }
  }, [JSON.stringify(fields.filter(({ isConfirm }) => !isConfirm).map(({ name }) => values[name]))])
  const isConfirmed = fields.every(({ name, isConfirm }) => isConfirm === undefined || values[name] === isConfirm)
  const act = async (event) => {
    event.preventDefault()
    setStep('doing')
    try {
      setAnswer(await run(values, false, answer))
      setStep('done')
    } catch ({ message }) {
      setProblem(message)
      setStep('asking')
    }
  }
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${() => onClose(step === 'done')}>
      <form onSubmit=${act}>
        <h2 id="dialog-title">${title}</h2>
        ${
          step !== 'done' &&
          fields
            .filter(({ isShown = () => true }) => isShown(values))
            .map(
              ({ name, label, hint, type = 'text', placeholder, options }) => html`
              <label key=${name}>
                ${label}
                ${
                  options
                    ? html`<select name=${name} onInput=${({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })}>
                        ${options.map(([value, text]) => html`<option value=${value} selected=${value === values[name]}>${text}</option>`)}
                      </select>`
                    : html`<input name=${name} type=${type} value=${values[name]} placeholder=${placeholder} autocomplete="off"
                        onInput=${({ currentTarget }) => setValues({ ...values, [name]: currentTarget.value })} />`
                }
                ${hint && html`<small>${hint}</small>`}
              </label>
            `,
            )
        }
        <div class="answer" role="status">
          ${problem ? html`<p class="problem">${problem}</p>` : !answer ? html`<p>Looking what it would do …</p>` : step === 'done' ? html`<p class="done">${conclude(answer, values)}</p>` : html`<div class="will">${describe(answer, values)}</div>`}
        </div>
        <div class="buttons">
          <button type="button" onClick=${() => dialog.current.close()}>${step === 'done' ? 'Close' : 'Cancel'}</button>
          ${
            step !== 'done' &&
            html`<button class=${isDanger ? 'danger' : 'main'} disabled=${!answer || !isConfirmed || !canDo(answer) || step === 'doing'}>
              ${step === 'doing' ? 'Working …' : verb}
            </button>`
          }
        </div>
      </form>
    </dialog>
  `
}
