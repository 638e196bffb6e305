import { post } from './api.js'
import { html, useState } from './html.js'

/** Asks for the token. The server answers with a cookie that scripts cannot read. */
export function LogIn({ error, onDone }) {
  const [problem, setProblem] = useState('')
  if (!error.answer?.hasToken)
    return html`<main class="log-in"><h1>Streams console</h1><p role="alert">${error.message}</p></main>`
  const send = async (event) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token')
    const login = post('login', { token })
    await login.send().then(onDone, ({ message }) => setProblem(message))
  }
  return html`
    <main class="log-in">
      <h1>Streams console</h1>
      <form onSubmit=${send}>
        <label>Token<input name="token" type="password" required autocomplete="current-password" /></label>
        <p class="hint">What <code>CONSOLE_TOKEN</code> holds, or the file that <code>CONSOLE_TOKEN_FILE</code> names.</p>
        ${problem && html`<p role="alert" class="problem">${problem}</p>`}
        <button class="main">Open</button>
      </form>
    </main>
  `
}

/** Forgets the token in this browser, and asks for it again. */
export function LogOut() {
  const leave = () =>
    post('logout', {})
      .send()
      .then(() => location.reload())
  return html`<button class="quiet" onClick=${leave}>Log out</button>`
}
