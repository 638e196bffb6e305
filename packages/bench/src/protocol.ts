// What the bench and its worker processes say to each other, over IPC.

/** What the handlers of a worker do besides counting. */
export type HandlerKind =
  /** Nothing. */
  | 'count'
  /** Notes how long the event was on its way: its number is the time of its publish. */
  | 'time'
  /** Never returns. */
  | 'hold'

export interface ConsumeArgs {
  queue: string
  kind: HandlerKind
  leaseMs?: number | undefined
}

export interface PublishArgs {
  queue: string
  count: number
  /** Default: as fast as it goes. */
  perSecond?: number | undefined
}

export interface ServeArgs {
  queue: string
  port: number
  secret: string
}

export interface SendArgs {
  url: string
  secret: string
  count: number
}

/** Times are milliseconds since the epoch, with fractions. */
export interface Sent {
  startedAt: number
  endedAt: number
}

export interface Published extends Sent {
  /** The sum of the numbers of the events: what the handlers must have seen in all. */
  sum: number
}

/** What a worker's consumer has done since `consume`. */
export interface Progress {
  handled: number
  /** The sum of the numbers of the handled events. */
  sum: number
  acknowledged: number
  firstHandledAt: number
  lastAcknowledgedAt: number
}

export interface Usage {
  cpuUs: number
  rssBytes: number
}

/** What a worker can be asked for: name → argument and answer. */
export interface Calls {
  consume: (args: ConsumeArgs) => Promise<void>
  publish: (args: PublishArgs) => Promise<Published>
  /** Opens an endpoint for webhooks; answers where they are to be sent. */
  serve: (args: ServeArgs) => Promise<string>
  sendWebhooks: (args: SendArgs) => Promise<Sent>
  usage: () => Promise<Usage>
  /** How long each event since the last call was on its way, in microseconds. */
  latencies: () => Promise<number[]>
  /** Ends what `consume` began; the last progress is told before the answer. */
  stop: () => Promise<void>
}

export type CallName = keyof Calls
export type Request = { [N in CallName]: { name: N; args: Parameters<Calls[N]> } }[CallName]
export type Message = { progress: Progress } | { answer: unknown } | { error: string }

/** Like `Date.now`, but finer; the same clock in all processes of a machine. */
export const now = (): number => performance.timeOrigin + performance.now()
