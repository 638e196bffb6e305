/** What the program ends with, and what that means. */
export const exitCodes = {
  done: [0, 'Done. Also the end of `tail` and of `--watch` by Ctrl-C'],
  failed: [1, 'Something failed, or `doctor` has found a problem'],
  usage: [2, 'Wrong arguments or settings. Nothing was done'],
  notFound: [3, 'There is no such event, dead letter or group'],
  declined: [4, 'A question was not answered with yes. Nothing was changed'],
  unavailable: [5, 'Redis cannot be reached, or cannot serve at the moment'],
  refused: [6, 'Redis refuses: password, a missing right, a key of another type, too old a version'],
  conflict: [7, 'Not now: consumers are at work, the group exists, the stream is full'],
  interrupted: [130, 'Ctrl-C in the middle of the work. What was done stays done'],
  brokenPipe: [141, 'Whoever read the output is gone'],
} as const satisfies Record<string, readonly [code: number, meaning: string]>

export type Exit = keyof typeof exitCodes

export const exitCodeOf = (exit: Exit): number => exitCodes[exit][0]
