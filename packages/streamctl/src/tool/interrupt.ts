const stopping = new AbortController()
let isHeeded = false

/** Aborted by Ctrl-C, or when the program is asked to end in another way. */
export const interrupted: AbortSignal = stopping.signal

/** Aborts `interrupted`. Returns whether what runs heeds it: then it ends by itself, and says what it has done. */
export function interrupt(): boolean {
  stopping.abort()
  return isHeeded
}

/** Runs something that heeds `interrupted`. */
export async function heeding<R>(work: () => Promise<R>): Promise<R> {
  const before = isHeeded
  isHeeded = true
  try {
    return await work()
  } finally {
    isHeeded = before
  }
}
