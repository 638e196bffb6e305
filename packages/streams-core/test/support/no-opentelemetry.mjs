// Loaded by `--import` before a program: for it, no package of OpenTelemetry is installed.
import { register } from 'node:module'

const hooks = `export function resolve(specifier, context, next) {
  if (specifier.startsWith('@opentelemetry/')) throw new Error(specifier + ' is not installed')
  return next(specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
