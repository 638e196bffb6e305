import { UNLUCKY_USER } from '@redis-streams-processor/events'
import type { LedgerLine } from '@redis-streams-processor/service-kit'

/** Settings for the producer: publish this many events at once; the first one always fails and is sent twice. */
export const burst = (events: number) => ({ BURST: String(events), FAILING: '1', DUPLICATES: '1' })

/** Ids of the failing events: the sample handlers always fail for their user. */
export const failingIn = (ledger: readonly LedgerLine[]): Set<string> =>
  new Set(ledger.flatMap((line) => (line.what === 'attempted' && line.subject === UNLUCKY_USER ? [line.id] : [])))

/** What is wrong with a burst, by what its producer was told. */
export function complaintsAboutBurst(ledger: readonly LedgerLine[], events: number): string[] {
  const answers = ledger.filter((line) => line.what === 'published')
  const published = new Set(answers.map(({ id }) => id)).size
  const failing = failingIn(ledger).size
  const refused = ledger.filter(({ what }) => what === 'refused').length
  return [
    ...(published < events ? [`only ${published} of ${events} events were published`] : []),
    ...(answers.some(({ duplicate }) => duplicate) ? [] : ['the duplicate publish was not recognised']),
    ...(failing === 1 ? [] : [`${failing} failing events were published, not one`]),
    ...(refused > 0 ? [`${refused} publishes were refused`] : []),
  ]
}
