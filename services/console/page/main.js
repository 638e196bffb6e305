import { get } from './api.js'
import { App } from './app.js'
import { html, render } from './html.js'
import { LogIn } from './log-in.js'

const page = document.getElementById('page')

/** Asks who we are to the console: somebody who may look, or somebody who has to show the token first. */
async function start() {
  const shown = await get('session').then(
    (session) => html`<${App} session=${session} />`,
    (error) => html`<${LogIn} error=${error} onDone=${start} />`,
  )
  render(shown, page)
}

await start()
