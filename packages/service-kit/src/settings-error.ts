/** Settings are wrong. The message has one line for each variable or file that is: what is allowed, what was given. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError'
}
