import type { Lab } from './lab.ts'

/** The warnings that Node prints from now on until the end of the test. */
export function warningsOfNode(lab: Lab): Error[] {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  lab.onClose(async () => void process.off('warning', onWarning))
  return warnings
}
