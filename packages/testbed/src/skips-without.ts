/**
 * Whether a test is skipped that needs something of this machine, such as a program. With CI set none is: it fails, so that
 * nobody takes it for passed.
 */
export const skipsWithout = (isThere: boolean): boolean => !isThere && !process.env.CI
