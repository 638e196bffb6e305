/** What a server has used since it was started. */
export interface ServerUsage {
  cpuUs: number
  /** Those inside scripts are counted. Undefined: it does not tell. */
  commands: number | undefined
}

/** A server that only one run uses. */
export interface Server {
  readonly url: string
  /** Its name and version, for people. */
  readonly program: string
  readonly version: string
  /** Undefined: it does not tell. */
  usage(): Promise<ServerUsage | undefined>
  /** How many commands its clients send within this time; what scripts call is not counted. Undefined: it does not tell. */
  countClientCommands(windowMs: number): Promise<number | undefined>
  stop(): Promise<void>
}
