/** Milliseconds on a clock that never jumps; means nothing outside this process. */
export const now = (): number => performance.now()
